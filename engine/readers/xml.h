#ifndef RT_READERS_XML_H
#define RT_READERS_XML_H

/*
 * XML: the adapter of expat. Streaming with a fixed buffer. What a report must not hold stops the reading with a
 * problem: a document type (with it go entities and default attributes), elements nested deeper than RT_XML_DEPTH, a
 * tag longer than RT_XML_TOKEN bytes, anything that is not well-formed.
 *
 * Two sins of well-known runners are forgiven, in UTF-8 documents: control bytes (jest-junit and Criterion write them
 * raw) and bytes that are not UTF-8. They reach expat as U+E000 + byte, and rt_xml_restore() takes them back.
 */

#include "readers/read.h"

#define RT_XML_DEPTH 256
#define RT_XML_TOKEN ((size_t)4 << 20)

struct rt_xml;

struct rt_xml_events {
	/* attributes: name, value, name, value, ..., NULL */
	void (*start)(void *data, const char *name, const char **attributes);
	void (*end)(void *data, const char *name);
	/* only while rt_xml_want_text() says so */
	void (*text)(void *data, const char *bytes, size_t len);
	/* a comment or processing instruction within the root element; may be NULL */
	void (*aside)(void *data);
	void *data;
};

struct rt_xml *rt_xml_new(const struct rt_reading *reading, const struct rt_xml_events *events);
void rt_xml_free(struct rt_xml *xml);
static inline void
rt_auto_xml(struct rt_xml **xml)
{
	rt_xml_free(*xml);
}
/* Reads the source to its end. 0 also where the report was bad: that is a problem in the results. */
int rt_xml_run(struct rt_xml *xml, struct rt_err *err) RT_MUST_USE;

/* For handlers. */
void rt_xml_want_text(struct rt_xml *xml, bool want);
size_t rt_xml_line(const struct rt_xml *xml);
/* Stops the reading; the caller has added the problem. No handler is called any more. */
void rt_xml_stop(struct rt_xml *xml);
/* Were bytes replaced so far? If not, there is nothing to restore. */
bool rt_xml_replaced(const struct rt_xml *xml);
/* Puts the original bytes back, in place; returns the new length. */
size_t rt_xml_restore(char *bytes, size_t len);

#endif
