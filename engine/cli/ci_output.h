#ifndef RT_CLI_CI_OUTPUT_H
#define RT_CLI_CI_OUTPUT_H

/* What a CI shows of a report: annotations, summaries, artifacts. Everything is escaped for where it goes. */

#include "cycle/report.h"

/* GitHub workflow commands, one annotation for each regression and refusal. */
void rt_ci_annotations(const struct rt_report *report, struct rt_buf *out);
/* A Markdown job summary. */
void rt_ci_summary(const struct rt_report *report, struct rt_buf *out);
/* name=value lines of a step's outputs. */
void rt_ci_outputs(const struct rt_report *report, struct rt_buf *out);
/* Of a job that ended without a verdict: why, which is where a broken ratchet.yml is seen. */
void rt_ci_trouble_annotation(const struct rt_err *err, struct rt_buf *out);
void rt_ci_trouble_summary(const struct rt_err *err, struct rt_buf *out);
/* JUnit XML: a case for each cell, a failed one for each regression and refusal. */
void rt_ci_junit(const struct rt_report *report, struct rt_buf *out);
/* GitLab's code quality report (a subset of the Code Climate format). */
void rt_ci_code_quality(const struct rt_report *report, struct rt_buf *out);

#endif
