/* test_options.c - the command line and the configuration file: two spellings
 * of one table, the file first, flags over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/config.h"
#include "runtime/options.h"
#include "runtime/settings.h"

#define MAX_ARGS 16

static struct settings settings;
static char why[OPTIONS_WHY_MAX];

static int init(void **state)
{
	(void)state;
	settings_init(&settings);
	return 0;
}

static int fini(void **state)
{
	(void)state;
	settings_fini(&settings);
	return 0;
}

/* Read the words up to a NULL. */
static bool read_words(const char *first, ...)
{
	char *words[MAX_ARGS] = {strdup("smokescreen")};
	int count = 1;
	va_list ap;
	bool ok;

	va_start(ap, first);
	for (const char *word = first; word != NULL && count < MAX_ARGS;
	     word = va_arg(ap, const char *))
		words[count++] = strdup(word);
	va_end(ap);
	ok = options_read(&settings, count, words, why, stderr);
	for (int i = 0; i < count; i++)
		free(words[i]);
	return ok;
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		unsigned ms;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"10s", 10000},
		{"1500ms", 1500},
		{"1.5s", 1500},
		{"1h2m3.5s", 3723500},
		{"500m", 30000000},
		{"1ns", 1},
		{"1us", 1},
		{"1001us", 2},
		{".5s", 500},
		{"5.s", 5000},
		{"596h", 2145600000},
		{"1.0000000000000000000001s", 1000},
	};
	static const char *const bad[] = {
		"",
		"10",
		"1.5",
		"s",
		"-1s",
		"1",
		"5 s",
		" 5s",
		"5s ",
		"5x",
		"5S",
		"1s2",
		".s",
		"597h",
		"1d",
		"1e3s",
		"0x1s",
		"+1s",
		"1..s",
		"18446744073709551616ns",
		"99999999999999h",
	};
	char text[SETTINGS_WHY_MAX];
	unsigned ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!settings_duration(good[i].text, &ms, text))
			fail_msg("%s: %s", good[i].text, text);
		if (ms != good[i].ms)
			fail_msg("%s: %u", good[i].text, ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		text[0] = '\0';
		if (settings_duration(bad[i], &ms, text))
			fail_msg("'%s' is taken for %u ms", bad[i], ms);
		assert_true(text[0] != '\0');
	}
	assert_false(settings_duration("10", &ms, text));
	assert_string_equal(
		text, "duration '10' has no unit; write '10s' for seconds");
}

static void test_spellings(void **state)
{
	(void)state;
	assert_true(read_words("-listen-port", "1", "--listen-ip=::1",
			       "-timeout=2s", "--deny-status", "403", NULL));
	assert_int_equal(settings.listen_port, 1);
	assert_string_equal(settings.listen_ip, "::1");
	assert_int_equal(settings.connect_timeout_ms, 2000);
	assert_int_equal(settings.deny_status, 403);
	/* the last one counts; a bool takes no next word */
	assert_true(read_words("--listen-port=2", "--listen-port=3",
			       "--unsafe-allow-private-ranges", "--deny-status",
			       "407", NULL));
	assert_int_equal(settings.listen_port, 3);
	assert_true(settings.ranges.allow_private);
	assert_true(read_words("--unsafe-allow-private-ranges=false", NULL));
	assert_false(settings.ranges.allow_private);
}

static void test_lists_append(void **state)
{
	(void)state;
	assert_true(read_words("--deny-range", "10.1.2.3/8", "--allow-address",
			       "1.2.3.4:80", "--deny-address", "::1",
			       "--allow-range=::/0", NULL));
	assert_int_equal(settings.rule_count, 4);
	assert_int_equal(settings.rules[0].action, RANGE_DENY);
	assert_int_equal(settings.rules[0].prefix.length, 104);
	assert_int_equal(settings.rules[0].prefix.addr.bytes[13], 0);
	assert_int_equal(settings.rules[1].action, RANGE_ALLOW);
	assert_int_equal(settings.rules[1].prefix.length, 128);
	assert_int_equal(settings.rules[1].port, 80);
	assert_int_equal(settings.rules[2].port, 0);
	assert_int_equal(settings.rules[3].prefix.length, 0);
}

static void test_limits(void **state)
{
	(void)state;
	for (int i = 0; i < RESOLVER_MAX_SERVERS; i++)
		assert_true(
			read_words("--resolver-address", "1.1.1.1:53", NULL));
	assert_false(read_words("--resolver-address", "1.1.1.1:53", NULL));
	for (int i = 0; i < RANGES_MAX_NAT64 + 1; i++) {
		char prefix[] = "2001:db8:0::/48";

		prefix[9] = (char)('0' + i);
		assert_int_equal(read_words("--nat64-prefix", prefix, NULL),
				 i < RANGES_MAX_NAT64);
	}
	assert_true(read_words("--nat64-prefix", "2001:db8:1::/48", NULL));
	assert_true(read_words("--workers", "256", NULL));
	assert_false(read_words("--workers", "257", NULL));
	assert_true(read_words("--listen-port", "65535", NULL));
	assert_false(read_words("--listen-port", "65536", NULL));
	assert_false(read_words("--listen-port", "4294967297", NULL));
	assert_false(read_words("--listen-port", "", NULL));
}

static void test_usage_errors(void **state)
{
	(void)state;
	assert_false(read_words("--bogus", NULL));
	assert_string_equal(why, "Incorrect Usage. flag provided but not "
				 "defined: -bogus");
	assert_false(read_words("--listen", "1", NULL)); /* no prefixes */
	assert_false(read_words("--=1", NULL));
	assert_false(read_words("-", NULL));
	assert_false(read_words("--listen-port", NULL));
	assert_false(read_words("--", "x", NULL));
	assert_true(read_words("--", NULL));
	/* nothing of a refused command line was taken */
	assert_int_equal(settings.listen_port, 4750);
}

/* Every name is in one place only, and leads where it should. */
static void test_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *a = &settings_table[i];

		assert_true(a->flag != NULL || a->key != NULL);
		assert_true(a->flag == NULL || a->help != NULL);
		for (size_t k = i + 1; k < settings_count; k++) {
			const struct setting *b = &settings_table[k];

			assert_true(a->flag == NULL || b->flag == NULL ||
				    strcmp(a->flag, b->flag) != 0);
			assert_true(a->key == NULL || b->key == NULL ||
				    strcmp(a->key, b->key) != 0);
		}
	}
}

/* A file with TEXT in it; the caller unlinks and frees its name. */
static char *config_file(const char *text)
{
	char *path = strdup("/tmp/test_options.XXXXXX");
	int fd = mkstemp(path);
	size_t n = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
	return path;
}

static void test_the_file_first_wherever_its_flag_stands(void **state)
{
	char *path = config_file("port: 1\nip: 127.0.0.9\n"
				 "deny_ranges: [10.0.0.0/8]\n"
				 "allow_missing_role: on\n");

	(void)state;
	assert_true(read_words("--deny-range", "11.0.0.0/8", "--listen-port",
			       "2", "--config-file", path, NULL));
	assert_int_equal(settings.listen_port, 2);
	assert_string_equal(settings.listen_ip, "127.0.0.9");
	assert_int_equal(settings.rule_count, 2);
	assert_int_equal(settings.rules[0].prefix.addr.bytes[12], 10);
	assert_int_equal(settings.rules[1].prefix.addr.bytes[12], 11);
	assert_true(settings.allow_missing_role);
	unlink(path);
	free(path);
}

/* What config_read() says of TEXT; the caller frees it. */
static char *config_errors(const char *text)
{
	char *path = config_file(text);
	char *said = NULL;
	size_t size;
	FILE *out = open_memstream(&said, &size);

	assert_non_null(out);
	assert_false(config_read(&settings, path, out));
	fclose(out);
	unlink(path);
	free(path);
	return said;
}

static void test_mistakes_have_places(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{"port: 1\nprot: 2\n", ":2:1: error: field prot not found"},
		{"prot: 2\n", "did you mean 'port'?"},
		{"port: 1\nport: 2\n", ":2:1: error: field port already set"},
		{"port: 1\nport: 2\n", ":1:1: note: first set here"},
		{"port: 65536\n", ":1:7: error: Invalid listen-port: 65536"},
		{"connect_timeout: 10\n", ":1:18: error: duration '10' has no"},
		{"- a\n", ":1:1: error: cannot unmarshal !!seq into"},
		{"tls: {}\n", ":1:6: error: 'tls' section requires"},
		{"x: [\n", "error"},
		{"deny_ranges: [[a]]\n", "cannot unmarshal !!seq into string"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *said = config_errors(rows[i].text);

		if (strstr(said, rows[i].says) == NULL)
			fail_msg("%s: %s", rows[i].text, said);
		free(said);
	}
}

static void test_merge_keys(void **state)
{
	char *path = config_file("<<: {port: 1, ip: 127.0.0.1}\nport: 2\n");

	(void)state;
	assert_true(read_words("--config-file", path, NULL));
	assert_int_equal(settings.listen_port, 2);
	assert_string_equal(settings.listen_ip, "127.0.0.1");
	unlink(path);
	free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, init, fini)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_durations),
		TEST(test_spellings),
		TEST(test_lists_append),
		TEST(test_limits),
		TEST(test_usage_errors),
		TEST(test_the_tables),
		TEST(test_the_file_first_wherever_its_flag_stands),
		TEST(test_mistakes_have_places),
		TEST(test_merge_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
