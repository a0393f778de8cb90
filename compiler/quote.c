/* quote.c - one walk over code points, with three ways to write what cannot be
 * shown. */
#include "quote.h"

#include <string.h>

/* see quote.h */
uint32_t quote_next_rune(const char *text, size_t n, size_t *length)
{
	const unsigned char *p = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t need = p[0] < 0x80   ? 1
		      : p[0] < 0xc0 ? 0
		      : p[0] < 0xe0 ? 2
		      : p[0] < 0xf0 ? 3
		      : p[0] < 0xf8 ? 4
				    : 0;
	uint32_t rune = p[0];

	*length = 1;
	if (need == 1)
		return rune;
	if (need == 0 || need > n)
		return QUOTE_NOT_UTF8 | p[0];
	rune &= 0xffu >> (need + 1);
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return QUOTE_NOT_UTF8 | p[0];
		rune = rune << 6 | (p[i] & 0x3fu);
	}
	if (rune < least[need] || rune > 0x10ffff ||
	    (rune >= 0xd800 && rune <= 0xdfff))
		return QUOTE_NOT_UTF8 | p[0];
	*length = need;
	return rune;
}

/* Characters without a shape of their own: they would hide in a message, or
 * turn it around. */
static bool is_invisible(uint32_t rune)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0x00, 0x1f},       {0x7f, 0x9f},       {0xad, 0xad},
		      {0x34f, 0x34f},     {0x61c, 0x61c},     {0x115f, 0x1160},
		      {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},
		      {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
		      {0xfdd0, 0xfdef},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},
		      {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},
		      {0xe0000, 0xe0fff}, {0xf0000, 0x10ffff}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (rune >= ranges[i].first && rune <= ranges[i].last)
			return true;
	return (rune & QUOTE_NOT_UTF8) != 0;
}

#define ESCAPE_MAX 11 /* \U0010ffff and its NUL */

/* The escape of RUNE, as Go, JSON-with-\x and YAML all read it. */
static void escape_rune(uint32_t rune, char out[ESCAPE_MAX])
{
	if (rune == '\n')
		memcpy(out, "\\n", 3);
	else if (rune == '\r')
		memcpy(out, "\\r", 3);
	else if (rune == '\t')
		memcpy(out, "\\t", 3);
	else if (rune < 0x80 || (rune & QUOTE_NOT_UTF8) != 0)
		snprintf(out, ESCAPE_MAX, "\\x%02x", rune & 0xffu);
	else if (rune <= 0xffff)
		snprintf(out, ESCAPE_MAX, "\\u%04x", rune);
	else
		snprintf(out, ESCAPE_MAX, "\\U%08x", rune);
}

/* TEXT with its invisible characters escaped, and with backslashes before the
 * characters of SPECIAL. */
static char *escape(struct arena *arena, struct str text, const char *special,
		    const char *around)
{
	size_t room = text.n * (ESCAPE_MAX - 1) + 2 * strlen(around) + 1;
	bool clean = true;

	for (size_t i = 0; i < text.n && clean; i++)
		clean = text.p[i] > 0x1f && text.p[i] < 0x7f &&
			strchr(special, text.p[i]) == NULL;
	if (clean)
		return arena_printf(arena, "%s%.*s%s", around, STR_ARG(text),
				    around);

	char *out = arena_alloc(arena, room);
	size_t used = strlen(around);

	memcpy(out, around, used);
	for (size_t i = 0, length; i < text.n; i += length) {
		uint32_t rune =
			quote_next_rune(text.p + i, text.n - i, &length);

		if (is_invisible(rune)) {
			char code[ESCAPE_MAX];

			escape_rune(rune, code);
			memcpy(out + used, code, strlen(code));
			used += strlen(code);
			continue;
		}
		if (rune < 0x80 && strchr(special, (int)rune) != NULL)
			out[used++] = '\\';
		memcpy(out + used, text.p + i, length);
		used += length;
	}
	memcpy(out + used, around, strlen(around) + 1);
	return out;
}

/* see quote.h */
const char *quote_visible(struct arena *arena, struct str text)
{
	return escape(arena, text, "", "");
}

/* see quote.h */
const char *quote_go(struct arena *arena, struct str text)
{
	return escape(arena, text, "\"\\", "\"");
}

/* The words of YAML 1.1 that are no texts when plain. */
static const char *const true_words[] = {"y",   "Y",    "yes",  "Yes",
					 "YES", "true", "True", "TRUE",
					 "on",  "On",   "ON"};
static const char *const false_words[] = {"n",   "N",     "no",    "No",
					  "NO",  "false", "False", "FALSE",
					  "off", "Off",   "OFF"};
static const char *const null_words[] = {"", "~", "null", "Null", "NULL"};

static bool among(struct str text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_equal(text, str_from(words[i])))
			return true;
	return false;
}
#define AMONG(text, words)                                                     \
	among(text, words, sizeof(words) / sizeof((words)[0]))

/* see quote.h */
bool quote_parse_bool(struct str text, bool *value)
{
	*value = AMONG(text, true_words);
	return *value || AMONG(text, false_words);
}

/* see quote.h */
const char *quote_plain_tag(const char *text, uint32_t length)
{
	struct str whole = str_make(text, length);
	bool truth;
	bool digits = false, point = false;

	if (AMONG(whole, null_words))
		return "!!null";
	if (quote_parse_bool(whole, &truth))
		return "!!bool";
	for (uint32_t i = 0; i < length; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			digits = true;
		else if (text[i] == '.' && !point)
			point = true;
		else if (i > 0 || (text[i] != '-' && text[i] != '+'))
			return "!!str";
	}
	return !digits ? "!!str" : point ? "!!float" : "!!int";
}

/* Letters, digits, '_', '.', '-' that start with a letter or digit, and are no
 * word with a meaning: such a text is itself in every YAML. */
static bool is_plain(struct str text)
{
	bool truth;

	if (AMONG(text, null_words) || quote_parse_bool(text, &truth))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!alnum && (i == 0 || (c != '.' && c != '-' && c != '_')))
			return false;
	}
	return true;
}

/* see quote.h */
void quote_yaml(FILE *out, struct str text)
{
	if (is_plain(text)) {
		fwrite(text.p, 1, text.n, out);
		return;
	}
	putc('"', out);
	for (size_t i = 0, length; i < text.n; i += length) {
		uint32_t rune =
			quote_next_rune(text.p + i, text.n - i, &length);
		char code[ESCAPE_MAX];

		if (is_invisible(rune)) {
			escape_rune(rune, code);
			fputs(code, out);
			continue;
		}
		if (rune == '"' || rune == '\\')
			putc('\\', out);
		fwrite(text.p + i, 1, length, out);
	}
	putc('"', out);
}
