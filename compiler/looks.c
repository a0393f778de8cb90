#include "looks.h"

#include <stdint.h>

#include "runtime/policy/punycode.h"

#define PREFIX "xn--"
#define PREFIX_BYTES (sizeof(PREFIX) - 1)

enum script {
	SCRIPT_COMMON = 0,
	SCRIPT_LATIN,
	SCRIPT_GREEK,
	SCRIPT_COPTIC,
	SCRIPT_CYRILLIC,
	SCRIPT_ARMENIAN,
	SCRIPT_HEBREW,
	SCRIPT_ARABIC,
	SCRIPT_DEVANAGARI,
	SCRIPT_BENGALI,
	SCRIPT_GURMUKHI,
	SCRIPT_GUJARATI,
	SCRIPT_ORIYA,
	SCRIPT_TAMIL,
	SCRIPT_TELUGU,
	SCRIPT_KANNADA,
	SCRIPT_MALAYALAM,
	SCRIPT_SINHALA,
	SCRIPT_THAI,
	SCRIPT_LAO,
	SCRIPT_TIBETAN,
	SCRIPT_MYANMAR,
	SCRIPT_GEORGIAN,
	SCRIPT_HANGUL,
	SCRIPT_ETHIOPIC,
	SCRIPT_CHEROKEE,
	SCRIPT_CANADIAN,
	SCRIPT_KHMER,
	SCRIPT_MONGOLIAN,
	SCRIPT_HIRAGANA,
	SCRIPT_KATAKANA,
	SCRIPT_BOPOMOFO,
	SCRIPT_HAN,
	SCRIPT_YI,
	SCRIPT_COUNT
};

static const char *const script_names[SCRIPT_COUNT] = {
	"no",       "Latin",     "Greek",    "Coptic",     "Cyrillic",
	"Armenian", "Hebrew",    "Arabic",   "Devanagari", "Bengali",
	"Gurmukhi", "Gujarati",  "Oriya",    "Tamil",      "Telugu",
	"Kannada",  "Malayalam", "Sinhala",  "Thai",       "Lao",
	"Tibetan",  "Myanmar",   "Georgian", "Hangul",     "Ethiopic",
	"Cherokee", "Canadian",  "Khmer",    "Mongolian",  "Hiragana",
	"Katakana", "Bopomofo",  "Han",      "Yi",
};

#define BIT(script) (1ull << SCRIPT_##script)

/* What languages mix: UTS #39 calls these highly restrictive. */
static const uint64_t together[] = {
	BIT(LATIN) | BIT(HAN) | BIT(HIRAGANA) | BIT(KATAKANA),
	BIT(LATIN) | BIT(HAN) | BIT(BOPOMOFO),
	BIT(LATIN) | BIT(HAN) | BIT(HANGUL),
};

static enum script script_of(uint32_t c)
{
	static const struct {
		uint32_t first;
		uint32_t last;
		enum script script;
	} rows[] = {
#define SCRIPT(first, last, name) {first, last, SCRIPT_##name},
#include "scripts.def"
#undef SCRIPT
	};
	size_t low = 0;
	size_t high = sizeof(rows) / sizeof(rows[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].last < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof(rows) / sizeof(rows[0]) || c < rows[low].first)
		return SCRIPT_COMMON;
	return rows[low].script;
}

/* The ASCII character that C looks like, or 0. */
static char lookalike_of(uint32_t c)
{
	static const struct {
		uint32_t c;
		char letter;
	} rows[] = {
#define LOOKALIKE(c, letter) {c, letter},
#include "lookalikes.def"
#undef LOOKALIKE
	};
	size_t low = 0;
	size_t high = sizeof(rows) / sizeof(rows[0]);

	if (c < 0x80)
		return (char)c;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows[middle].c < c)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == sizeof(rows) / sizeof(rows[0]) || rows[low].c != c)
		return 0;
	return rows[low].letter;
}

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}

	size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};

	out[0] = (char)(lead[more] | c >> (6 * more));
	for (size_t i = 1; i <= more; i++)
		out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
	return more + 1;
}

/* One more character of a skeleton of N bytes; its new length. */
static size_t put_skeleton(char *out, size_t n, char c)
{
	if (c == '0')
		c = 'o';
	else if (c == '1')
		c = 'l';
	if (n > 0 && c == 'n' && out[n - 1] == 'r') {
		out[n - 1] = 'm';
		return n;
	}
	if (n > 0 && c == 'v' && out[n - 1] == 'v') {
		out[n - 1] = 'w';
		return n;
	}
	out[n] = c;
	return n + 1;
}

static void check_scripts(struct looks *looks, const uint32_t *points,
			  size_t count)
{
	uint64_t found = 0;

	for (size_t i = 0; i < count; i++)
		found |= 1ull << script_of(points[i]);
	found &= ~BIT(COMMON);
	if (looks->mixes || (found & (found - 1)) == 0)
		return;
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++)
		if ((found & ~together[i]) == 0)
			return;
	looks->mixes = true;
	looks->script = script_names[__builtin_ctzll(found)];
	looks->other = script_names[__builtin_ctzll(found & (found - 1))];
}

/* Decode LABEL; the number of its code points. */
static size_t points_of(struct str label, uint32_t points[PUNYCODE_MAX])
{
	size_t count = 0;

	if (label.n > PREFIX_BYTES &&
	    memcmp(label.p, PREFIX, PREFIX_BYTES) == 0)
		count = punycode_decode(str_make(label.p + PREFIX_BYTES,
						 label.n - PREFIX_BYTES),
					points);
	if (count > 0)
		return count;
	for (; count < label.n && count < PUNYCODE_MAX; count++)
		points[count] = (unsigned char)label.p[count];
	return count;
}

/* see looks.h */
bool looks_is_idn(struct str name)
{
	const char *p = name.p;
	const char *end = name.p + name.n;

	/* most names have no hyphen at all */
	while ((p = memchr(p, '-', (size_t)(end - p))) != NULL) {
		if (end - p > 1 && p[1] == '-' && p - name.p >= 2 &&
		    p[-1] == 'n' && p[-2] == 'x' &&
		    (p - 2 == name.p || p[-3] == '.'))
			return true;
		p++;
	}
	return false;
}

/* see looks.h */
size_t looks_skeleton(struct str name, char out[HOSTNAME_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n && i < HOSTNAME_MAX; i++)
		n = put_skeleton(out, n, name.p[i]);
	out[n] = '\0';
	return n;
}

/* see looks.h */
void looks_read(struct str name, struct looks *looks)
{
	uint32_t points[PUNYCODE_MAX];
	size_t text = 0;
	size_t skeleton = 0;
	size_t at = 0;

	*looks = (struct looks){.idn = looks_is_idn(name), .all_ascii = true};
	while (at <= name.n && name.n <= HOSTNAME_MAX) {
		const char *start = name.p + at;
		const char *dot = memchr(start, '.', name.n - at);
		struct str label =
			str_make(start, dot == NULL ? name.n - at
						    : (size_t)(dot - start));
		size_t count = points_of(label, points);

		if (at > 0) {
			looks->text[text++] = '.';
			skeleton = put_skeleton(looks->skeleton, skeleton, '.');
		}
		check_scripts(looks, points, count);
		for (size_t i = 0; i < count; i++) {
			char letter = lookalike_of(points[i]);

			text += put_utf8(looks->text + text, points[i]);
			if (letter != 0) {
				skeleton = put_skeleton(looks->skeleton,
							skeleton, letter);
				continue;
			}
			looks->all_ascii = false;
			skeleton +=
				put_utf8(looks->skeleton + skeleton, points[i]);
		}
		at += label.n + 1;
	}
	looks->text[text] = '\0';
	looks->skeleton[skeleton] = '\0';
	looks->skeleton_length = skeleton;
}
