#include "reading.h"

#include <errno.h>
#include <string.h>

/* What the XML adapter refuses and forgives, seen through the format junit. */
TestSuite(xml, .fini = tidy);

Test(xml, document_type_declaration_is_refused)
{
	read_golden("junit/entities.xml", NULL);
	check_problem("has a document type declaration");
	check_cases(0);
}

Test(xml, nested_entities_do_not_expand)
{
	read_text("junit",
		  "<!DOCTYPE t [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><testsuite><testcase name='&b;'/></testsuite>");
	check_problem("has a document type declaration");
	check_cases(0);
}

Test(xml, default_attributes_cannot_be_declared)
{
	read_text(
	    "junit",
	    "<!DOCTYPE t [<!ATTLIST testcase status CDATA 'skipped'>]><testsuite><testcase name='n'/></testsuite>");
	check_problem("has a document type declaration");
}

/* gcovr and istanbul write one; nothing is fetched or declared by it. */
Test(xml, the_name_of_a_dtd_elsewhere_is_no_declaration)
{
	read_text("junit", "<?xml version='1.0'?>\n<!DOCTYPE t SYSTEM 'file:///etc/passwd'>\n"
			   "<testsuite><testcase name='n'/></testsuite>");
	check_no_problem();
	check_outcome("unit/n", "pass");
}

Test(xml, undeclared_entity_is_a_problem)
{
	read_text("junit", "<testsuite><testcase name='&what;'/></testsuite>");
	check_problem("not well-formed");
}

Test(xml, elements_nested_deeper_than_the_limit_are_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "<testsuite>");
	for (int i = 0; i < 100000; i++)
		rt_buf_adds(&text, "<a>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("nested deeper than 256");
	cr_expect_eq(seen.problems.n, 1);
}

Test(xml, endless_tag_is_a_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "<testsuite><testcase name='");
	rt_buf_reserve(&text, 6 << 20);
	memset(text.data + text.len, 'x', 6 << 20);
	text.len += 6 << 20;
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_problem("has a tag longer than 4 MiB");
}

Test(xml, long_output_of_a_test_is_no_problem)
{
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_adds(&text, "<testsuite><testcase name='n'><system-out>");
	rt_buf_reserve(&text, 8 << 20);
	memset(text.data + text.len, 'x', 8 << 20);
	text.len += 8 << 20;
	rt_buf_adds(&text, "</system-out></testcase></testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_no_problem();
	check_outcome("unit/n", "pass");
}

Test(xml, control_bytes_are_kept_apart)
{
	static const char text[] =
	    "<testsuite tests='3'><testcase name='a\x01'/><testcase name='a\x02'/><testcase name='a\0'/></testsuite>";

	read_bytes("junit", NULL, text, sizeof(text) - 1);
	check_no_problem();
	check_outcome("unit/a\\x01", "pass");
	check_outcome("unit/a\\x02", "pass");
	check_cases(3);
}

Test(xml, bytes_that_are_not_utf8_are_escaped)
{
	read_text("junit", "<testsuite><testcase name='a\xFF"
			   "b\xC3'/><testcase name='\xED\xA0\x80'/><testcase name='\xEF\xBF\xBF'/></testsuite>");
	check_no_problem();
	check_outcome("unit/a\\xffb\\xc3", "pass");
	check_outcome("unit/\\xed\\xa0\\x80", "pass");
}

Test(xml, characters_across_chunks_stay_whole)
{
	struct rt_buf text = RT_BUF_INIT;

	/* three bytes a character, so that some of them lie across every border of the buffer */
	rt_buf_adds(&text, "<testsuite><testcase name='n'><failure>");
	for (int i = 0; i < 50000; i++)
		rt_buf_adds(&text, "\xE2\x82\xAC");
	rt_buf_adds(&text, "</failure></testcase><testcase name='\xE2\x82\xAC'/></testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_no_problem();
	check_note("unit/n", "\xE2\x82\xAC\xE2\x82\xAC");
	check_outcome("unit/\xE2\x82\xAC", "pass");
}

Test(xml, bytes_that_xml_forbids_are_kept_apart_wherever_chunks_end)
{
	struct rt_buf text = RT_BUF_INIT;

	/* runs of bad bytes, single ones and characters, at every distance from the end of a chunk */
	rt_buf_adds(&text, "<testsuite><testcase name='n'><failure>");
	for (int i = 0; i < 30000; i++)
		rt_buf_add(&text,
			   "\0\xFF\xFF"
			   "a\xE2\x82\xAC\xE2\x82",
			   9);
	rt_buf_adds(&text, "</failure></testcase><testcase name='\xE2\x82|'/></testsuite>");
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_no_problem();
	check_note("unit/n", "\\x00\\xff\\xffa\xE2\x82\xAC\\xe2\\x82\\x00");
	check_outcome("unit/\\xe2\\x82|", "pass");
}

Test(xml, character_that_the_end_cuts_off_is_a_problem)
{
	read_text("junit", "<testsuite><testcase name='n'/></testsuite>\xE2\x82");
	check_problem("not well-formed");
}

Test(xml, declared_latin1_is_read_as_such)
{
	read_text("junit", "<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='\xE9'/></testsuite>");
	check_no_problem();
	check_outcome("unit/\xC3\xA9", "pass");
}

Test(xml, utf16_is_read_by_its_byte_order_mark)
{
	static const char ascii[] = "<testsuite><testcase name='n'/></testsuite>";
	struct rt_buf text = RT_BUF_INIT;

	rt_buf_add(&text, "\xFF\xFE", 2);
	for (const char *c = ascii; *c; c++)
		rt_buf_add(&text, (char[]){*c, '\0'}, 2);
	read_bytes("junit", NULL, text.data, text.len);
	rt_buf_release(&text);
	check_no_problem();
	check_outcome("unit/n", "pass");
}

Test(xml, unknown_encoding_is_a_problem)
{
	read_text("junit", "<?xml version='1.0' encoding='EBCDIC'?><testsuite><testcase name='n'/></testsuite>");
	check_problem("not well-formed");
}

static ssize_t
failing(void *data, void *buf, size_t cap)
{
	(void)data;
	(void)buf;
	(void)cap;
	errno = EIO;
	return -1;
}

Test(xml, source_that_fails_is_an_error_and_no_problem)
{
	struct rt_source source = {.read = failing, .name = "report"};
	struct rt_reading reading = {.source = &source, .cell = "unit", .check = "unit", .results = &seen};
	struct rt_err err = RT_ERR_INIT;

	cr_expect_eq(rt_format_find("junit")->read(&reading, &err), -1);
	cr_expect_eq(err.code, RT_EIO);
	cr_expect(strstr(err.text, "report"));
	check_no_problem();
}
