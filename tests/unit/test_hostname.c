/* test_hostname.c - host names in their normal form, numbers that pass for
 * addresses, and authorities. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/policy/hostname.h"

#define IDNA_TEST_MAX 1030 /* beyond what idna.c looks at */
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define TEXT(literal)                                                          \
	{                                                                      \
		(literal), sizeof(literal) - 1                                 \
	}

static void expect_name(struct str text, enum host_error error,
			const char *normal)
{
	struct hostname host;
	enum host_error got = hostname_normalize(text, &host);
	char buffer[HOSTNAME_ERROR_MAX];

	if (got != error)
		fail_msg("'%.*s': wanted %d, got %d, %s", STR_ARG(text),
			 (int)error, (int)got,
			 hostname_error_text(got, &host, buffer));
	assert_true((got == HOST_OK) == (host.form != HOST_NONE));
	assert_string_equal(host.text, normal);
	assert_int_equal(host.length, strlen(normal));
	/* zero up to the end of the padding */
	for (size_t i = host.length; i < sizeof(host.text); i++)
		assert_int_equal(host.text[i], 0);
	/* the normal form is its own normal form */
	if (got == HOST_OK) {
		struct hostname again;

		assert_int_equal(
			hostname_normalize(str_make(host.text, host.length),
					   &again),
			HOST_OK);
		assert_memory_equal(&host, &again, sizeof(host));
	}
}

static void test_names(void **unused)
{
	static const struct {
		struct str text;
		enum host_error error;
		const char *normal;
	} rows[] = {
#define NAME(text, error, normal) {TEXT(text), HOST_##error, normal},
#define DIFFERS(text, error, normal, why) NAME(text, error, normal)
#include "data/names.inc"
#undef NAME
#undef DIFFERS
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_name(rows[i].text, rows[i].error, rows[i].normal);
}

static void test_idna(void **unused)
{
	static const struct {
		struct str text;
		enum host_error error;
		const char *normal;
	} rows[] = {
		/* circled and full-width digits become an address */
		{TEXT("\342\221\240\342\221\241\342\221\246.0.0.1"), HOST_OK,
		 "127.0.0.1"},
		{TEXT("\357\274\221\357\274\222\357\274\227.1"), HOST_NUMERIC,
		 ""},
		{TEXT("127\343\200\2020\357\274\2160\357\275\2411"), HOST_OK,
		 "127.0.0.1"},
		{TEXT("127.0.0.1\343\200\202"), HOST_NUMERIC, ""},
		/* but no colons become one */
		{TEXT("\357\274\232\357\274\2321"), HOST_BAD_RUNE, ""},
		{TEXT("\357\274\2170"), HOST_BAD_RUNE, ""},
		/* what vanishes */
		{TEXT("exam\302\255ple.com"), HOST_OK, "example.com"},
		{TEXT("exam\342\200\213ple.com"), HOST_OK, "example.com"},
		{TEXT("a.\302\255.b"), HOST_EMPTY_LABEL, ""},
		{TEXT("\302\255"), HOST_EMPTY, ""},
		{TEXT("\343\200\202"), HOST_EMPTY, ""},
		/* ill-formed UTF-8: overlong, surrogate, cut, beyond, stray */
		{TEXT("exa\377mple.com"), HOST_IDNA, ""},
		{TEXT("\300\256com"), HOST_IDNA, ""},
		{TEXT("\340\200\256com"), HOST_IDNA, ""},
		{TEXT("a\355\240\200"), HOST_IDNA, ""},
		{TEXT("a\303"), HOST_IDNA, ""},
		{TEXT("a\303b"), HOST_IDNA, ""},
		{TEXT("\364\220\200\200"), HOST_IDNA, ""},
		{TEXT("\200"), HOST_IDNA, ""},
		/* ASCII beside other characters obeys its own rules */
		{TEXT("\303\244\000b.com"), HOST_BAD_RUNE, ""},
		{TEXT("a b.\303\244.com"), HOST_BAD_RUNE, ""},
		{TEXT("-a.\303\244.com"), HOST_IDNA, ""},
		{TEXT("A_B.\303\244.com"), HOST_OK, "a_b.xn--4ca.com"},
		{TEXT("\303\244..com"), HOST_EMPTY_LABEL, ""},
		{TEXT("\303\244.com."), HOST_OK, "xn--4ca.com"},
		/* the sharp s, small and capital */
		{TEXT("stra\303\237e.de"), HOST_OK, "xn--strae-oqa.de"},
		{TEXT("STRA\341\272\236E.de"), HOST_OK, "xn--strae-oqa.de"},
		/* composed and decomposed are one name */
		{TEXT("a\314\210.com"), HOST_OK, "xn--4ca.com"},
		/* A-labels: canonical ones, of letters and of symbols */
		{TEXT("XN--4CA.com"), HOST_OK, "xn--4ca.com"},
		{TEXT("xn--jv8h.com"), HOST_OK, "xn--jv8h.com"},
		{TEXT("xn--i-7iq.ws"), HOST_OK, "xn--i-7iq.ws"},
		{TEXT("xn---jv8h.com"), HOST_IDNA, ""},
		{TEXT("xn--a-"), HOST_IDNA, ""},
		{TEXT("xn--"), HOST_IDNA, ""},
		{TEXT("xn--abc-.com"), HOST_IDNA, ""},
		{TEXT("xn--a.com"), HOST_IDNA, ""},
		{TEXT("xn--99999999.com"), HOST_IDNA, ""},
		{TEXT("xn--xn---epa.com"), HOST_IDNA, ""},
		{TEXT("xn--a_b.com"), HOST_IDNA, ""},
		/* upper case inside: what it encodes is not mapped */
		{TEXT("xn--zca.com"), HOST_OK, "xn--zca.com"},
		{TEXT("xn--fda.com"), HOST_OK, "xn--fda.com"},
		{TEXT("xn--9ba.com"), HOST_IDNA, ""},
		/* an A-label that comes out of the mapping is checked as well
		 */
		{TEXT("\357\275\230n--a.com"), HOST_IDNA, ""},
		{TEXT("\357\275\230n--4ca.com"), HOST_OK, "xn--4ca.com"},
		/* right to left */
		{TEXT("\327\220.com"), HOST_OK, "xn--4db.com"},
		{TEXT("\327\220.1com"), HOST_IDNA, ""},
		{TEXT("1a.\327\220"), HOST_IDNA, ""},
		{TEXT("xn--4db._a"), HOST_IDNA, ""},
		{TEXT("1\327\220.com"), HOST_IDNA, ""},
		{TEXT("\327\2200\331\240.com"), HOST_IDNA, ""},
		/* joiners need their context */
		{TEXT("a\342\200\215b.com"), HOST_IDNA, ""},
		{TEXT("\340\244\225\340\245\215\342\200\215\340\244\267.com"),
		 HOST_OK, "xn--11b2ezcw70k.com"},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect_name(rows[i].text, rows[i].error, rows[i].normal);
}

static void test_forms(void **unused)
{
	static const struct {
		const char *text;
		enum host_form form;
		const char *normal;
	} rows[] = {
		{"Example.COM", HOST_NAME, "example.com"},
		{"example.com...", HOST_NAME, "example.com"},
		{"r3---sn-x.googlevideo.com", HOST_NAME,
		 "r3---sn-x.googlevideo.com"},
		{"_dmarc.a_b.com", HOST_NAME, "_dmarc.a_b.com"},
		{"1.2.3.4", HOST_IPV4, "1.2.3.4"},
		{"::ffff:1.2.3.4", HOST_IPV4, "1.2.3.4"},
		{"2001:DB8:0::1", HOST_IPV6, "2001:db8::1"},
		/* digits that no libc takes for an address */
		{"256.1.1.1", HOST_NAME, "256.1.1.1"},
		{"1.2.3.4.5", HOST_NAME, "1.2.3.4.5"},
		{"1.2.3.4a", HOST_NAME, "1.2.3.4a"},
		{"4294967296", HOST_NAME, "4294967296"},
		{"1.16777216", HOST_NAME, "1.16777216"},
		{"0xg", HOST_NAME, "0xg"},
		{"1.2.3.com", HOST_NAME, "1.2.3.com"},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct hostname host;
		struct addr addr;

		assert_int_equal(
			hostname_normalize(str_from(rows[i].text), &host),
			HOST_OK);
		assert_int_equal(host.form, rows[i].form);
		assert_string_equal(host.text, rows[i].normal);
		if (host.form == HOST_NAME)
			continue;
		assert_true(addr_parse(str_from(rows[i].text), &addr));
		assert_memory_equal(&addr, &host.addr, sizeof(addr));
	}
}

static void test_numeric_forms(void **unused)
{
	static const char *const numeric[] = {
		"0",
		"1",
		"2130706433",
		"0x7f000001",
		"0X7F000001",
		"017700000001",
		"127.1",
		"127.0.1",
		"0x7f.1",
		"0177.0.0.1",
		"127.0.0.01",
		"001.002.003.004",
		"1.2.772",
		"127.0.0.1.",
		"127.1.",
		"4294967295",
		"1.16777215",
		"1.2.65535",
		"0x7f.0.0.0x1",
		"127.0.0.08",
		"0x.1",
		"0x",
		"00000000000000000000001",
		"1.2.3.00",
	};
	static const char *const others[] = {
		"",           ".",          "1.2.3.4",
		"256.1.1.1",  "1.2.3.256",  "1.2.3.4.5",
		"4294967296", "1.16777216", "1..2",
		".1",         "1.2.3.4a",   "0xg",
		"1a",         "a1",         "-1",
		"+1",         "1.2.65536",  "1e3",
		"::1",        "08x",        "99999999999999999999999",
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(numeric); i++) {
		if (!hostname_is_numeric_form(str_from(numeric[i])))
			fail_msg("'%s' is numeric", numeric[i]);
		expect_name(str_from(numeric[i]), HOST_NUMERIC, "");
	}
	for (size_t i = 0; i < COUNT(others); i++)
		if (hostname_is_numeric_form(str_from(others[i])))
			fail_msg("'%s' is not numeric", others[i]);
}

static void test_limits(void **unused)
{
	char text[IDNA_TEST_MAX];
	struct hostname host;
	char buffer[HOSTNAME_ERROR_MAX];

	(void)unused;
	memset(text, 'a', sizeof(text));
	expect_name(str_make(text, 64), HOST_LABEL_TOO_LONG, "");
	assert_int_equal(hostname_normalize(str_make(text, 63), &host),
			 HOST_OK);
	for (size_t i = 63; i < sizeof(text); i += 64)
		text[i] = '.';
	assert_int_equal(hostname_normalize(str_make(text, 253), &host),
			 HOST_OK);
	assert_int_equal(host.length, HOSTNAME_MAX);
	expect_name(str_make(text, 254), HOST_TOO_LONG, "");
	text[253] = '.';
	assert_int_equal(hostname_normalize(str_make(text, 254), &host),
			 HOST_OK);
	for (size_t i = 1; i < 253; i += 2)
		text[i] = '.';
	for (size_t i = 0; i < 253; i += 2)
		text[i] = 'a';
	assert_int_equal(hostname_normalize(str_make(text, 253), &host),
			 HOST_OK);
	/* a name may shrink: 300 soft hyphens in one label */
	for (size_t i = 0; i < 600; i += 2) {
		text[i] = '\302';
		text[i + 1] = '\255';
	}
	text[600] = 'a';
	expect_name(str_make(text, 601), HOST_OK, "a");
	for (size_t i = 0; i + 1 < sizeof(text); i += 2) {
		text[i] = '\303';
		text[i + 1] = '\244';
	}
	expect_name(str_make(text, 160), HOST_LABEL_TOO_LONG, "");
	expect_name(str_make(text, 1024), HOST_TOO_LONG, "");
	expect_name(str_make(text, 1026), HOST_TOO_LONG, "");
	expect_name(str_make(NULL, 0), HOST_EMPTY, "");

	assert_int_equal(hostname_normalize(STR("a b"), &host), HOST_BAD_RUNE);
	assert_int_equal(host.rune, ' ');
	assert_string_equal(hostname_error_text(HOST_BAD_RUNE, &host, buffer),
			    "disallowed rune U+0020");
	assert_int_equal(hostname_normalize(STR("a-.b"), &host), HOST_IDNA);
	assert_string_equal(hostname_error_text(HOST_IDNA, &host, buffer),
			    "idna: a label begins or ends with '-'");
}

/* Every byte in every place of a word or two. */
static void test_every_byte(void **unused)
{
	(void)unused;
	for (size_t n = 1; n <= 20; n++) {
		for (size_t at = 0; at < n; at++) {
			for (unsigned byte = 0; byte < 128; byte++) {
				char text[20];
				char lower[20];
				struct hostname host;
				char c = (char)byte;
				bool edge = at == 0 || at == n - 1;
				bool letter = (c >= 'a' && c <= 'z') ||
					      (c >= 'A' && c <= 'Z');
				bool fits = letter || c == '_' ||
					    (c == '-' && !edge) ||
					    (c == '.' && at > 0) ||
					    (c >= '0' && c <= '9' && n > 1);

				memset(text, 'g', sizeof(text));
				text[at] = c;
				memcpy(lower, text, sizeof(lower));
				if (c >= 'A' && c <= 'Z')
					lower[at] = (char)(c + 32);
				assert_true(
					(hostname_normalize(str_make(text, n),
							    &host) ==
					 HOST_OK) == fits);
				if (!fits)
					continue;
				assert_int_equal(host.length,
						 c == '.' && at == n - 1 ? n - 1
									 : n);
				assert_memory_equal(host.text, lower,
						    host.length);
			}
		}
	}
}

/* An empty label is found wherever it is. */
static void test_every_dot(void **unused)
{
	char text[HOSTNAME_MAX];
	struct hostname host;

	(void)unused;
	for (size_t n = 3; n <= sizeof(text); n++) {
		for (size_t at = 1; at + 2 < n; at++) {
			for (size_t i = 0; i < n; i++)
				text[i] = i % 30 == 29 ? '.' : 'a';
			text[n - 1] = 'a';
			text[at] = '.';
			text[at + 1] = '.';
			assert_int_equal(
				hostname_normalize(str_make(text, n), &host),
				HOST_EMPTY_LABEL);
		}
	}
}

/* --- authorities --- */

static void test_authorities(void **unused)
{
	static const struct {
		struct str text;
		enum authority_error split;
		uint16_t port;
		enum host_error error;
		const char *normal;
	} rows[] = {
#define AUTHORITY(text, split, port, error, normal)                            \
	{TEXT(text), AUTHORITY_##split, port, HOST_##error, normal},
#define DIFFERS(text, split, port, error, normal, why)                         \
	AUTHORITY(text, split, port, error, normal)
#include "data/authorities.inc"
#undef AUTHORITY
#undef DIFFERS
		/* more of what Go's net.SplitHostPort says */
		{TEXT("[::1]"), AUTHORITY_NO_PORT, 0, HOST_OK, ""},
		{TEXT("[::1]80"), AUTHORITY_NO_PORT, 0, HOST_OK, ""},
		{TEXT("[::1]:1:2"), AUTHORITY_TOO_MANY_COLONS, 0, HOST_OK, ""},
		{TEXT("[::1"), AUTHORITY_BRACKETS, 0, HOST_OK, ""},
		{TEXT("[a"), AUTHORITY_NO_PORT, 0, HOST_OK, ""},
		{TEXT("a[b]:80"), AUTHORITY_BRACKETS, 0, HOST_OK, ""},
		{TEXT("a:8]"), AUTHORITY_BRACKETS, 0, HOST_OK, ""},
		{TEXT("[::1]:8]"), AUTHORITY_BAD_PORT, 0, HOST_OK, ""},
		{TEXT("[]:80"), AUTHORITY_BRACKETS, 0, HOST_OK, ""},
		{TEXT("a:00000000000000000443"), AUTHORITY_OK, 443, HOST_OK,
		 "a"},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str host = {0};
		uint16_t port = 0;
		enum authority_error split =
			authority_split(rows[i].text, &host, &port);

		if (split != rows[i].split)
			fail_msg("'%.*s': %s", STR_ARG(rows[i].text),
				 authority_error_text(split));
		assert_int_equal(port, rows[i].port);
		if (split == AUTHORITY_OK)
			expect_name(host, rows[i].error, rows[i].normal);
	}
}

/* A target without a port, as in http://example.com/: the scheme has one. */
static void test_scheme_ports(void **unused)
{
	static const struct {
		struct str text;
		uint16_t scheme, port;
		enum host_error error;
		const char *normal;
	} rows[] = {
		{TEXT("example.com"), 80, 80, HOST_OK, "example.com"},
		{TEXT("127.0.0.1"), 80, 80, HOST_OK, "127.0.0.1"},
		{TEXT("127.0.0.1:123"), 443, 123, HOST_OK, "127.0.0.1"},
		{TEXT("[2001:DB8::1337]"), 443, 443, HOST_BAD_RUNE, ""},
		{TEXT("2001:DB8::1337"), 443, 443, HOST_OK, "2001:db8::1337"},
		{TEXT("[2001:DB8::1337]:443"), 443, 443, HOST_OK,
		 "2001:db8::1337"},
		{TEXT("[2001:db8::1337]:443"), 443, 443, HOST_OK,
		 "2001:db8::1337"},
		{TEXT("[2001:DB8::1337]:-1"), 443, 0, HOST_OK, ""},
		{TEXT("[2001:db8::1337]:111111"), 443, 0, HOST_OK, ""},
		{TEXT("[[2001:DB8::1337]]"), 0, 0, HOST_BAD_RUNE, ""},
		/* upstream takes symbols as U-labels */
		{TEXT("\360\237\224\220.example.com:123"), 443, 123, HOST_IDNA,
		 ""},
		{TEXT("\342\234\211\357\270\217.example.com."), 25, 25,
		 HOST_IDNA, ""},
		{TEXT("foo_bar.example.com:007"), 443, 7, HOST_OK,
		 "foo_bar.example.com"},
		{TEXT("FOO-BAR.example.com"), 443, 443, HOST_OK,
		 "foo-bar.example.com"},
	};

	(void)unused;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str host = {0};
		uint16_t port = 0;
		enum authority_error split =
			authority_split(rows[i].text, &host, &port);

		if (split == AUTHORITY_NO_PORT ||
		    split == AUTHORITY_TOO_MANY_COLONS) {
			host = rows[i].text;
			port = rows[i].scheme;
		} else if (split != AUTHORITY_OK) {
			assert_int_equal(split, AUTHORITY_BAD_PORT);
			assert_int_equal(rows[i].port, 0);
			continue;
		}
		assert_int_equal(port, rows[i].port);
		expect_name(host, rows[i].error, rows[i].normal);
	}
}

/* --- matching, the slow way --- */

static bool matches(struct str host, struct str glob)
{
	bool wildcard = glob.n > 2 && memcmp(glob.p, "*.", 2) == 0;
	struct hostname a, b;

	if (wildcard)
		glob = str_make(glob.p + 2, glob.n - 2);
	if (hostname_normalize(host, &a) != HOST_OK ||
	    hostname_normalize(glob, &b) != HOST_OK)
		return false;
	if (!wildcard)
		return str_equal(str_make(a.text, a.length),
				 str_make(b.text, b.length));
	return a.length > b.length && a.text[a.length - b.length - 1] == '.' &&
	       memcmp(a.text + a.length - b.length, b.text, b.length) == 0;
}

static void test_matches(void **unused)
{
	static const struct {
		struct str host, glob;
		bool match;
	} rows[] = {
#define MATCH(host, glob, match) {TEXT(host), TEXT(glob), match},
#define DIFFERS(host, glob, match, why) MATCH(host, glob, match)
#include "data/matches.inc"
#undef MATCH
#undef DIFFERS
	};

	(void)unused;
	assert_int_equal(COUNT(rows), 159);
	for (size_t i = 0; i < COUNT(rows); i++)
		if (matches(rows[i].host, rows[i].glob) != rows[i].match)
			fail_msg("'%.*s' '%.*s'", STR_ARG(rows[i].host),
				 STR_ARG(rows[i].glob));
}

/* --- hostile input --- */

/* Random bytes of likely pieces that end before an unmapped page: nothing
 * beyond the text is read, and what is accepted is in normal form. */
static void test_fenced_noise(void **unused)
{
	static const char *const pieces[] = {
		"a",
		"Z",
		"9",
		".",
		"-",
		"_",
		"xn--",
		":",
		"[",
		"]",
		"0x",
		"127",
		"\303\244",
		"\327\220",
		"\302\255",
		"\343\200\202",
		"\360\237\224\220",
		"\377",
		"4ca",
		"jv8h",
		"example",
		"com",
		"\0",
		"%",
		"ffff",
		"\342\200\215",
	};
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t state = 0x2545f4914f6cdd1d;
	size_t accepted = 0;
	char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)unused;
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (int i = 0; i < 60000; i++) {
		char text[256];
		size_t n = 0;
		struct hostname host, again;
		struct str part;
		uint16_t port;

		for (int j = 0; j < 10; j++) {
			const char *piece;
			size_t length;

			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			if (state >> 61 == 0)
				break;
			piece = pieces[(state >> 32) % COUNT(pieces)];
			length = piece[0] ? strlen(piece) : 1;
			memcpy(text + n, piece, length);
			n += length;
		}
		memcpy(map + page - n, text, n);
		if (hostname_normalize(str_make(map + page - n, n), &host) ==
		    HOST_OK) {
			accepted++;
			assert_int_equal(
				hostname_normalize(
					str_make(host.text, host.length),
					&again),
				HOST_OK);
			assert_memory_equal(&host, &again, sizeof(host));
		}
		hostname_is_numeric_form(str_make(map + page - n, n));
		authority_split(str_make(map + page - n, n), &part, &port);
	}
	assert_true(accepted > 1000);
	munmap(map, 2 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_idna),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_numeric_forms),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_dot),
		cmocka_unit_test(test_authorities),
		cmocka_unit_test(test_scheme_ports),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_fenced_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
