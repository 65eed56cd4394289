#include "readers/xml.h"

#include <string.h>
#include <strings.h>

#include <expat.h>

#include "support/defence.h"

#define CHUNK ((size_t)64 << 10)
#define BLOCK 64
#define DECLARATION 256 /* an XML declaration is shorter than this */

struct rt_xml {
	XML_Parser parser;
	struct rt_xml_events events;
	const struct rt_reading *reading;
	unsigned depth;
	bool stopped;
	bool foreign;  /* declared in another encoding than UTF-8: its bytes are expat's business */
	bool replaced; /* bytes were replaced */
	size_t fed;    /* bytes given to expat */
	size_t event;  /* where the token begins that expat was at last */
	struct rt_buf clean;
};

static void
stop(struct rt_xml *xml)
{
	if (xml->stopped)
		return;
	xml->stopped = true;
	XML_StopParser(xml->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct rt_xml *xml = data;

	if (xml->stopped)
		return;
	if (++xml->depth > RT_XML_DEPTH) {
		rt_reading_problem(xml->reading, rt_xml_line(xml), "elements are nested deeper than %d", RT_XML_DEPTH);
		stop(xml);
		return;
	}
	xml->events.start(xml->events.data, name, attributes);
}

static void XMLCALL
on_end(void *data, const XML_Char *name)
{
	struct rt_xml *xml = data;

	if (xml->stopped)
		return;
	xml->depth--;
	xml->events.end(xml->events.data, name);
}

static void XMLCALL
on_text(void *data, const XML_Char *bytes, int len)
{
	struct rt_xml *xml = data;

	if (!xml->stopped)
		xml->events.text(xml->events.data, bytes, (size_t)len);
}

static void
on_aside(struct rt_xml *xml)
{
	if (!xml->stopped && xml->depth > 0)
		xml->events.aside(xml->events.data);
}

static void XMLCALL
on_comment(void *data, const XML_Char *text)
{
	(void)text;
	on_aside(data);
}

static void XMLCALL
on_instruction(void *data, const XML_Char *target, const XML_Char *text)
{
	(void)target;
	(void)text;
	on_aside(data);
}

static void XMLCALL
on_doctype(void *data, const XML_Char *name, const XML_Char *system_id, const XML_Char *public_id, int internal)
{
	struct rt_xml *xml = data;

	(void)name;
	(void)system_id;
	(void)public_id;
	/* the name of a DTD elsewhere, as gcovr and istanbul write it, declares nothing: it is never read */
	if (!rt_defended(DOCTYPE) || !internal)
		return;
	rt_reading_problem(xml->reading, rt_xml_line(xml),
			   "has a document type declaration with a part of its own, which is refused because of the "
			   "entities it may declare");
	stop(xml);
}

struct rt_xml *
rt_xml_new(const struct rt_reading *reading, const struct rt_xml_events *events)
{
	struct rt_xml *xml = rt_alloc(1, sizeof(*xml));

	xml->parser = XML_ParserCreate(NULL);
	if (!xml->parser)
		abort(); /* out of memory */
	xml->reading = reading;
	xml->events = *events;
	xml->clean = (struct rt_buf)RT_BUF_INIT;
	XML_SetUserData(xml->parser, xml);
	XML_SetElementHandler(xml->parser, on_start, on_end);
	XML_SetStartDoctypeDeclHandler(xml->parser, on_doctype);
	if (events->aside) {
		XML_SetCommentHandler(xml->parser, on_comment);
		XML_SetProcessingInstructionHandler(xml->parser, on_instruction);
	}
	return xml;
}

void
rt_xml_free(struct rt_xml *xml)
{
	if (!xml)
		return;
	XML_ParserFree(xml->parser);
	rt_buf_release(&xml->clean);
	free(xml);
}

void
rt_xml_want_text(struct rt_xml *xml, bool want)
{
	XML_SetCharacterDataHandler(xml->parser, want ? on_text : NULL);
}

size_t
rt_xml_line(const struct rt_xml *xml)
{
	return XML_GetCurrentLineNumber(xml->parser);
}

void
rt_xml_stop(struct rt_xml *xml)
{
	stop(xml);
}

bool
rt_xml_replaced(const struct rt_xml *xml)
{
	return xml->replaced;
}

static bool
is_control(unsigned char c)
{
	return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/*
 * Length of the UTF-8 sequence at s that XML allows (no controls, no surrogates, no U+FFFE, U+FFFF), 0 when it is none,
 * -1 when the bytes end before it does.
 */
static int
sequence(const unsigned char *s, size_t len)
{
	int need = s[0] >= 0xC2 && s[0] < 0xE0	 ? 2
		   : s[0] >= 0xE0 && s[0] < 0xF0 ? 3
		   : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
						 : 0;

	if (s[0] < 0x80)
		return !is_control(s[0]);
	for (int i = 1; i < need; i++) {
		if ((size_t)i >= len)
			return -1;
		unsigned char low = 0x80, high = 0xBF;
		if (i == 1 && s[0] == 0xE0)
			low = 0xA0;
		else if (i == 1 && s[0] == 0xED)
			high = 0x9F;
		else if (i == 1 && s[0] == 0xF0)
			low = 0x90;
		else if (i == 1 && s[0] == 0xF4)
			high = 0x8F;
		else if (i == 2 && s[0] == 0xEF && s[1] == 0xBF)
			high = 0xBD;
		if (s[i] < low || s[i] > high)
			return 0;
	}
	return need;
}

/* Are these bytes all ASCII that XML allows? Without a branch, so that compilers make it work on many at once. */
static bool
is_plain_block(const unsigned char *s)
{
	unsigned char bad = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		/* from 0x80 on a signed byte is below 0, and so below a space */
		bad |= (unsigned char)((signed char)s[i] < 0x20) & (unsigned char)(s[i] != '\t') &
		       (unsigned char)(s[i] != '\n') & (unsigned char)(s[i] != '\r');
	}
	return !bad;
}

/* How many bytes from the start need no replacement; an incomplete sequence at the end is not among them. */
static size_t
sound(const unsigned char *s, size_t len)
{
	size_t i = 0;

	while (i < len) {
		while (i + BLOCK <= len && is_plain_block(s + i))
			i += BLOCK;
		for (size_t end = i + BLOCK < len ? i + BLOCK : len; i < end;) {
			int n = sequence(s + i, len - i);
			if (n <= 0)
				return i;
			i += (size_t)n;
		}
	}
	return i;
}

size_t
rt_xml_restore(char *bytes, size_t len)
{
	unsigned char *s = (unsigned char *)bytes;
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		if (i + 2 < len && s[i] == 0xEE && s[i + 1] >= 0x80 && s[i + 1] <= 0x83) {
			unsigned char c = (unsigned char)((s[i + 1] & 3) << 6 | (s[i + 2] & 0x3F));
			if (is_control(c) || c >= 0x80) {
				s[out++] = c;
				i += 3;
				continue;
			}
		}
		s[out++] = s[i++];
	}
	return out;
}

/* Says why expat refused, unless a handler stopped it and has said so. */
static void
malformed(struct rt_xml *xml)
{
	enum XML_Error code = XML_GetErrorCode(xml->parser);

	if (xml->stopped)
		return;
	xml->stopped = true;
	if (code == XML_ERROR_NO_ELEMENTS && xml->fed == 0)
		rt_reading_problem(xml->reading, 0, "is empty");
	else
		rt_reading_problem(xml->reading, rt_xml_line(xml), "is not well-formed XML: %s (column %lu)",
				   XML_ErrorString(code), (unsigned long)XML_GetCurrentColumnNumber(xml->parser) + 1);
}

static void
feed(struct rt_xml *xml, const char *bytes, size_t len, bool final)
{
	xml->fed += len;
	if (XML_Parse(xml->parser, bytes, (int)len, final) == XML_STATUS_ERROR) {
		malformed(xml);
		return;
	}
	/* -1 where expat put the bytes aside because the token was unfinished the last time, too */
	XML_Index event = XML_GetCurrentByteIndex(xml->parser);
	xml->event = event >= 0 ? (size_t)event : xml->event;
	if (!final && xml->fed - xml->event > RT_XML_TOKEN) {
		rt_reading_problem(xml->reading, rt_xml_line(xml), "has a tag longer than %zu MiB", RT_XML_TOKEN >> 20);
		stop(xml);
	}
}

/* Copies bytes to xml->clean, each that XML does not allow as U+E000 + byte. Returns how many were taken. */
static size_t
clean(struct rt_xml *xml, const unsigned char *s, size_t len, bool final)
{
	size_t at = 0;
	char *out;

	rt_buf_cut(&xml->clean, 0);
	rt_buf_reserve(&xml->clean, 3 * len);
	out = xml->clean.data;
	while (at < len) {
		int n = sequence(s + at, len - at);
		if (n < 0 && !final)
			break;
		if (n > 0) {
			size_t good = sound(s + at, len - at);
			memcpy(out, s + at, good);
			out += good;
			at += good;
			continue;
		}
		*out++ = (char)0xEE;
		*out++ = (char)(0x80 | s[at] >> 6);
		*out++ = (char)(0x80 | (s[at] & 0x3F));
		at++;
		xml->replaced = true;
	}
	xml->clean.len = (size_t)(out - xml->clean.data);
	*out = '\0';
	return at;
}

/* Gives a chunk to expat; returns how many bytes at its end were kept back because a UTF-8 sequence goes on. */
static size_t
feed_clean(struct rt_xml *xml, const char *bytes, size_t len, bool final)
{
	const unsigned char *s = (const unsigned char *)bytes;

	if (xml->foreign || sound(s, len) == len) {
		feed(xml, bytes, len, final);
		return 0;
	}
	size_t taken = clean(xml, s, len, final);
	feed(xml, xml->clean.data, xml->clean.len, final);
	return len - taken;
}

/* Is this beginning of a document in another encoding than UTF-8? UTF-16 by its byte order mark, others by name. */
static bool
is_foreign(const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "?>", 2);
	const char *name;

	if (len >= 2 && (!memcmp(bytes, "\xFE\xFF", 2) || !memcmp(bytes, "\xFF\xFE", 2)))
		return true;
	if (len < 5 || memcmp(bytes, "<?xml", 5) || !end)
		return false;
	name = memmem(bytes, (size_t)(end - bytes), "encoding", 8);
	if (!name)
		return false;
	for (name += 8; name < end && strchr(" \t\r\n=\"'", *name); name++)
		;
	return end - name < 5 || (strncasecmp(name, "utf-8", 5) != 0 && strncasecmp(name, "us-asc", 6) != 0);
}

int
rt_xml_run(struct rt_xml *xml, struct rt_err *err)
{
	struct rt_source *source = xml->reading->source;
	char chunk[CHUNK];
	size_t len = 0;
	bool begun = false, final = false;

	while (!final && !xml->stopped) {
		ssize_t n = source->read(source->data, chunk + len, CHUNK - len);
		if (n < 0)
			return rt_fail_errno(err, "cannot read the report %s", source->name);
		final = n == 0;
		len += (size_t)n;
		if (!begun && !final && len < DECLARATION)
			continue; /* a pipe gives little at once; the declaration names the encoding */
		if (!begun)
			xml->foreign = is_foreign(chunk, len);
		begun = true;
		size_t kept = feed_clean(xml, chunk, len, final);
		memmove(chunk, chunk + len - kept, kept);
		len = kept;
	}
	return 0;
}
