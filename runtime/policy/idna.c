/* idna.c - see idna.h.  libidn2 maps and judges U-labels.  What it leaves to
 * us: A-labels of symbols (emoji), which IDNA2008 refuses and UTS #46 allows,
 * and the Bidi rule across labels. */
#include "idna.h"

#include <idn2.h>
#include <stdbool.h>
#include <string.h>

#include "punycode.h"

#define ACE_PREFIX 4 /* strlen("xn--") */

/* One label, decoded. */
struct label {
	size_t count;
	uint32_t at[PUNYCODE_MAX];
};

struct point_range {
	uint32_t first, last;
};

/* Symbols that UTS #46 calls valid although IDNA2008 does not; none of them
 * decomposes or is a combining mark. */
static const struct point_range symbols[] = {
#define SYMBOL(first, last) {first, last},
#include "symbols.def"
#undef SYMBOL
};

/* Code points that libidn2 lets into labels and that are no letters to the Bidi
 * rule: neither class L nor R, AL or AN. */
static const struct point_range neutrals[] = {
	{0xb7, 0xb7},     {0x2b9, 0x2ba},   {0x2c6, 0x2cf},   {0x2ec, 0x2ec},
	{0x374, 0x375},   {0x2260, 0x2260}, {0x226e, 0x226f}, {0x2e2f, 0x2e2f},
	{0x30fb, 0x30fb}, {0xa67f, 0xa67f}, {0xa717, 0xa71f}, {0xa788, 0xa788},
};

/* Digits of the Bidi classes EN and AN, which must not meet in a label. */
static const struct point_range european_digits[] = {{'0', '9'},
						     {0x6f0, 0x6f9}};
static const struct point_range arabic_digits[] = {{0x660, 0x669},
						   {0x10d30, 0x10d39}};

/* The blocks of the scripts written from right to left; a few marks and digits
 * in them are counted as letters, which only makes the check stricter. */
static const struct point_range rtl_blocks[] = {
	{0x590, 0x8ff},   {0x200f, 0x200f},   {0xfb1d, 0xfdff},
	{0xfe70, 0xfeff}, {0x10800, 0x10fff}, {0x1e800, 0x1efff},
};

static bool in_ranges(const struct point_range *ranges, size_t count,
		      uint32_t point)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

#define IN(ranges, point)                                                      \
	in_ranges(ranges, sizeof(ranges) / sizeof((ranges)[0]), point)

static enum host_error refuse(struct idna_result *result, const char *why)
{
	result->why = why;
	return HOST_IDNA;
}

/* --- UTF-8 --- */

/* The code point at the start of TEXT (RFC 3629); returns its length, 0 when
 * it is ill-formed. */
static size_t utf8_decode(struct str text, uint32_t *point)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text.p[0];
	size_t length;
	uint32_t value;

	if (lead < 0x80) {
		*point = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead <= 0xdf)
		length = 2;
	else if (lead >= 0xe0 && lead <= 0xef)
		length = 3;
	else if (lead >= 0xf0 && lead <= 0xf4)
		length = 4;
	else
		return 0;
	if (text.n < length)
		return 0;
	value = lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (c & 0x3f);
	}
	if (value < least[length] || value > 0x10ffff ||
	    (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return length;
}

static size_t utf8_encode(uint32_t point, uint8_t *out)
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xc0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xe0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (point & 0x3f));
	return 4;
}

/* --- libidn2 --- */

/* One label through libidn2.  *OUT is libidn2's to free. */
static int lookup(const uint32_t *points, size_t count, uint8_t **out)
{
	uint8_t text[4 * IDNA_INPUT_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += utf8_encode(points[i], text + n);
	text[n] = '\0';
	*out = NULL;
	return idn2_lookup_u8(text, out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
}

/* --- labels --- */

static bool all_ascii(const uint32_t *points, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (points[i] >= 0x80)
			return false;
	return true;
}

/* Replace each symbol by a letter, so that libidn2 judges the rest.  False when
 * there is none, or when a mark that could compose with one follows it. */
static bool mask_symbols(const uint32_t *points, size_t count, uint32_t *masked)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		masked[i] = points[i];
		if (!IN(symbols, points[i]))
			continue;
		if (i + 1 < count && points[i + 1] >= 0x300 &&
		    points[i + 1] <= 0x36f)
			return false;
		masked[i] = 'x';
		any = true;
	}
	return any;
}

/* Is TEXT, the part behind "xn--", what encoding its own meaning gives?  The
 * meaning goes to LABEL. */
static const char *check_a_label(struct str text, struct label *label)
{
	uint32_t masked[PUNYCODE_MAX];
	const uint32_t *judged = label->at;
	char again[PUNYCODE_MAX];
	uint8_t *out = NULL;
	struct str found;
	size_t n;
	bool same;
	int rc;

	label->count = punycode_decode(text, label->at);
	if (label->count == 0 || all_ascii(label->at, label->count))
		return "an xn-- label is not valid punycode";
	n = punycode_encode(label->at, label->count, again);
	if (!str_equal(str_make(again, n), text))
		return "an xn-- label is not in its canonical form";
	if (label->at[0] == '-' || label->at[label->count - 1] == '-' ||
	    (label->count >= 4 && label->at[2] == '-' && label->at[3] == '-'))
		return "an xn-- label hides misplaced hyphens";
	if (mask_symbols(label->at, label->count, masked)) {
		judged = masked;
		if (all_ascii(masked, label->count))
			return NULL;
		n = punycode_encode(masked, label->count, again);
	}
	rc = lookup(judged, label->count, &out);
	if (rc != IDN2_OK)
		return idn2_strerror(rc);
	found = str_from((const char *)out);
	same = found.n == ACE_PREFIX + n &&
	       memcmp(found.p, "xn--", ACE_PREFIX) == 0 &&
	       memcmp(found.p + ACE_PREFIX, again, n) == 0;
	idn2_free(out);
	return same ? NULL : "an xn-- label is not in its canonical form";
}

static enum host_error append(struct idna_result *result, const char *text,
			      size_t n)
{
	if (n > sizeof(result->text) - result->length)
		return HOST_TOO_LONG;
	memcpy(result->text + result->length, text, n);
	result->length += n;
	return HOST_OK;
}

/* Map one label of the input and append it. */
static enum host_error append_label(struct idna_result *result,
				    const uint32_t *points, size_t count)
{
	uint8_t *out = NULL;
	enum host_error error = HOST_OK;
	int rc;

	if (all_ascii(points, count)) {
		for (size_t i = 0; i < count && error == HOST_OK; i++) {
			char c = (char)points[i];

			if (c >= 'A' && c <= 'Z')
				c = (char)(c + ('a' - 'A'));
			error = append(result, &c, 1);
		}
		return error;
	}
	rc = lookup(points, count, &out);
	if (rc == IDN2_TOO_BIG_LABEL || rc == IDN2_PUNYCODE_BIG_OUTPUT)
		return HOST_LABEL_TOO_LONG;
	if (rc == IDN2_TOO_BIG_DOMAIN)
		return HOST_TOO_LONG;
	if (rc != IDN2_OK)
		return refuse(result, idn2_strerror(rc));
	error = append(result, (const char *)out, strlen((const char *)out));
	idn2_free(out);
	return error;
}

/* --- the Bidi rule, RFC 5893 2, as far as libidn2 does not apply it --- */

/* libidn2 judges labels that hold right-to-left characters, but lets both kinds
 * of digits into one (rule 4). */
static bool rtl_label_fits(const uint32_t *points, size_t count)
{
	bool european = false;
	bool arabic = false;

	for (size_t i = 0; i < count; i++) {
		european |= IN(european_digits, points[i]);
		arabic |= IN(arabic_digits, points[i]);
	}
	return !(european && arabic);
}

/* In a name with such a label the others must satisfy the rule too: begin with
 * a letter and end with a letter or digit. */
static bool ltr_label_fits(const uint32_t *points, size_t count)
{
	size_t last = count - 1;

	if (points[0] < 0x80 ? points[0] < 'a' : IN(neutrals, points[0]))
		return false;
	for (size_t i = 0; i < count; i++)
		if (IN(symbols, points[i]))
			return false;
	/* Marks do not count at the end.  Which code points are marks is not
	 * known here, so anything that could be one is passed over. */
	while (last > 0 && points[last] >= 0x300 && !IN(neutrals, points[last]))
		last--;
	return points[last] != '-' && points[last] != '_' &&
	       !IN(neutrals, points[last]);
}

/* What TEXT, a label of the result, says of itself, and whether it may stand in
 * a name that is BIDI. */
static enum host_error check_label(struct idna_result *result, struct str text,
				   bool bidi, bool *rtl)
{
	struct label label = {0};

	if (text.n > HOSTNAME_LABEL_MAX)
		return HOST_LABEL_TOO_LONG;
	if (text.n >= ACE_PREFIX && memcmp(text.p, "xn--", ACE_PREFIX) == 0) {
		const char *why = check_a_label(
			str_make(text.p + ACE_PREFIX, text.n - ACE_PREFIX),
			&label);

		if (why)
			return refuse(result, why);
	} else {
		for (label.count = 0; label.count < text.n; label.count++)
			label.at[label.count] =
				(unsigned char)text.p[label.count];
	}
	*rtl = false;
	for (size_t i = 0; i < label.count; i++)
		*rtl |= IN(rtl_blocks, label.at[i]);
	if (*rtl && !rtl_label_fits(label.at, label.count))
		return refuse(result, "a label has digits of two kinds "
				      "(RFC 5893)");
	if (bidi && !*rtl && !ltr_label_fits(label.at, label.count))
		return refuse(result, "labels of both directions do not go "
				      "together (RFC 5893)");
	return HOST_OK;
}

/* Check every label; returns through *ANY_RTL whether one is written from right
 * to left.  Empty labels are for the ASCII path to judge. */
static enum host_error check_labels(struct idna_result *result, bool bidi,
				    bool *any_rtl)
{
	struct str text = str_make(result->text, result->length);
	size_t start = 0;

	*any_rtl = false;
	for (size_t i = 0; i <= text.n; i++) {
		enum host_error error;
		bool rtl;

		if (i < text.n && text.p[i] != '.')
			continue;
		if (i > start) {
			error = check_label(result,
					    str_make(text.p + start, i - start),
					    bidi, &rtl);
			if (error != HOST_OK)
				return error;
			*any_rtl |= rtl;
		}
		start = i + 1;
	}
	return HOST_OK;
}

/* --- the whole name --- */

static bool is_dot(uint32_t point)
{
	return point == '.' || point == 0x3002 || point == 0xff0e ||
	       point == 0xff61;
}

/* What may stand in a name as ASCII, before and after the mapping. */
static bool is_name_ascii(uint32_t point)
{
	return (point >= 'a' && point <= 'z') ||
	       (point >= 'A' && point <= 'Z') ||
	       (point >= '0' && point <= '9') || point == '.' || point == '-' ||
	       point == '_';
}

enum host_error idna_to_ascii(struct str text, struct idna_result *result)
{
	uint32_t points[IDNA_INPUT_MAX];
	size_t count = 0;
	size_t start = 0;
	enum host_error error;
	bool bidi;

	memset(result, 0, sizeof(*result));
	if (text.n > IDNA_INPUT_MAX)
		return HOST_TOO_LONG;
	while (text.n > 0) {
		uint32_t point;
		size_t n = utf8_decode(text, &point);

		if (n == 0)
			return refuse(result, "not valid UTF-8");
		/* Above all NUL, which would end the text for libidn2. */
		if (point < 0x80 && !is_name_ascii(point)) {
			result->rune = point;
			return HOST_BAD_RUNE;
		}
		/* UTS #46 has mapped the capital sharp s to the small one since
		 * its revision 31; libidn2's tables are older. */
		if (point == 0x1e9e)
			point = 0xdf;
		points[count++] = point;
		text = str_make(text.p + n, text.n - n);
	}
	for (size_t i = 0; i <= count; i++) {
		if (i < count && !is_dot(points[i]))
			continue;
		if (i > start) {
			error = append_label(result, points + start, i - start);
			if (error != HOST_OK)
				return error;
		}
		if (i < count) {
			error = append(result, ".", 1);
			if (error != HOST_OK)
				return error;
		}
		start = i + 1;
	}
	for (size_t i = 0; i < result->length; i++) {
		unsigned char c = (unsigned char)result->text[i];

		if (!is_name_ascii(c)) {
			result->rune = c;
			return HOST_BAD_RUNE;
		}
	}
	error = check_labels(result, false, &bidi);
	if (error == HOST_OK && bidi)
		error = check_labels(result, true, &bidi);
	return error;
}
