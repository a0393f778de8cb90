/* test_hosts_file.c - hosts(5) read, and read again when it changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "page_end.h"
#include "runtime/net/hosts_file.h"

static struct hosts_table read_text(const char *text)
{
	size_t size = strlen(text);
	struct page_end copy = page_end_copy(text, size);
	struct hosts_table table;

	assert_true(hosts_table_init(&table, (const char *)copy.bytes, size));
	page_end_free(&copy); /* nothing points into it */
	return table;
}

/* The addresses of NAME, with a blank between. */
static const char *addresses(const struct hosts_entry *first, size_t count)
{
	static char out[1024];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char text[ADDR_TEXT_MAX];

		addr_format(&first[i].addr, text);
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s",
				      i > 0 ? " " : "", text);
	}
	return out;
}

static const char *find(const struct hosts_table *table, const char *name)
{
	const struct hosts_entry *first;
	size_t count = hosts_table_find(table, str_from(name), &first);

	assert_true((first != NULL) == (count > 0));
	return addresses(first, count);
}

static void test_table(void **state)
{
	struct hosts_table table =
		read_text("# a comment\n"
			  "127.0.0.1\tlocalhost loopback # and another\n"
			  "::1 localhost ip6-localhost\r\n"
			  "  192.0.2.2   B.Test a.test.\n"
			  "\n"
			  "192.0.2.1 b.test#glued\n"
			  "192.0.2.3 b.test c.test");

	(void)state;
	assert_string_equal(find(&table, "localhost"), "127.0.0.1 ::1");
	assert_string_equal(find(&table, "loopback"), "127.0.0.1");
	assert_string_equal(find(&table, "ip6-localhost"), "::1");
	/* In the order of the file, not of the addresses. */
	assert_string_equal(find(&table, "b.test"),
			    "192.0.2.2 192.0.2.1 192.0.2.3");
	assert_string_equal(find(&table, "a.test"), "192.0.2.2");
	assert_string_equal(find(&table, "c.test"), "192.0.2.3");
	assert_string_equal(find(&table, "and"), "");
	assert_string_equal(find(&table, "glued"), "");
	assert_string_equal(find(&table, "test"), "");
	assert_string_equal(find(&table, ""), "");
	hosts_table_fini(&table);
	hosts_table_fini(&table);
}

/* What is no address names nothing. */
static void test_bad_lines(void **state)
{
	struct hosts_table table = read_text("127.1 short.test\n"
					     "010.0.0.1 octal.test\n"
					     "fe80::1%eth0 zone.test\n"
					     "nonsense also.test\n"
					     "192.0.2.1\n"
					     "192.0.2.1 .\n"
					     "192.0.2.1# x.test\n"
					     "192.0.2.9 good.test\n");

	(void)state;
	assert_int_equal(table.count, 1);
	assert_string_equal(find(&table, "good.test"), "192.0.2.9");
	hosts_table_fini(&table);
}

static void test_empty(void **state)
{
	static const char *const texts[] = {
		"", "\n", "#", "   ", "\n\n\n", "192.0.2.1", "192.0.2.1 "};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct hosts_table table = read_text(texts[i]);

		assert_int_equal(table.count, 0);
		assert_string_equal(find(&table, "a"), "");
		hosts_table_fini(&table);
	}
}

/* NUL bytes are bytes like any other: part of a name nobody asks for. */
static void test_nul(void **state)
{
	static const char text[] = "192.0.2.1 a\0b\n192.0.2.2 c";
	struct hosts_table table;

	(void)state;
	assert_true(hosts_table_init(&table, text, sizeof(text) - 1));
	assert_string_equal(find(&table, "a"), "");
	assert_string_equal(find(&table, "c"), "192.0.2.2");
	hosts_table_fini(&table);
}

static void test_entry_limit(void **state)
{
	static const char line[] = "::1";
	size_t names = HOSTS_MAX_ENTRIES + 1;
	size_t size = sizeof(line) - 1 + names * 2;
	char *text = malloc(size);
	struct hosts_table table;

	(void)state;
	memcpy(text, line, sizeof(line) - 1);
	for (size_t i = 0; i < names; i++)
		memcpy(text + sizeof(line) - 1 + i * 2, " a", 2);
	assert_true(hosts_table_init(&table, text, size));
	assert_int_equal(table.count, HOSTS_MAX_ENTRIES);
	hosts_table_fini(&table);
	free(text);
}

/* The line that crosses the limit is not read in half. */
static void test_size_limit(void **state)
{
	size_t size = HOSTS_MAX_BYTES + 4;
	char *text = malloc(size);
	static const char last[] = "\n::1 abcdefg\n";
	struct hosts_table table;

	(void)state;
	memset(text, '#', size);
	memcpy(text + size - (sizeof(last) - 1), last, sizeof(last) - 1);
	assert_true(hosts_table_init(&table, text, size));
	assert_int_equal(table.count, 0);
	hosts_table_fini(&table);

	memset(text, '#', size);
	memcpy(text + size - 4 - (sizeof(last) - 1), last, sizeof(last) - 1);
	assert_true(hosts_table_init(&table, text, size));
	assert_string_equal(find(&table, "abcdefg"), "::1");
	hosts_table_fini(&table);
	free(text);
}

/* --- the file --- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *look(struct hosts_file *hosts, uint64_t now,
			const char *name)
{
	const struct hosts_entry *first;
	size_t count = hosts_file_find(hosts, now, str_from(name), &first);

	return addresses(first, count);
}

static void test_reload(void **state)
{
	char path[] = "/tmp/test_hosts_file.XXXXXX";
	int fd = mkstemp(path);
	uint64_t now = 1000000;
	struct hosts_file *hosts;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, "192.0.2.1 a.test\n");
	hosts = hosts_file_new(path);
	assert_string_equal(look(hosts, now, "a.test"), "192.0.2.1");

	/* Not looked at again before it is time. */
	write_file(path, "192.0.2.22 a.test\n");
	assert_string_equal(look(hosts, now + HOSTS_CHECK_MS - 1, "a.test"),
			    "192.0.2.1");
	now += HOSTS_CHECK_MS;
	assert_string_equal(look(hosts, now, "a.test"), "192.0.2.22");

	/* Gone, and back. */
	unlink(path);
	now += HOSTS_CHECK_MS;
	assert_string_equal(look(hosts, now, "a.test"), "");
	write_file(path, "192.0.2.3 a.test\n");
	now += HOSTS_CHECK_MS;
	assert_string_equal(look(hosts, now, "a.test"), "192.0.2.3");
	unlink(path);
	hosts_file_free(hosts);
}

static void test_not_a_file(void **state)
{
	struct hosts_file *hosts = hosts_file_new("/tmp");

	(void)state;
	assert_string_equal(look(hosts, 0, "a.test"), "");
	hosts_file_free(hosts);
	hosts = hosts_file_new("/nonexistent/hosts");
	assert_string_equal(look(hosts, 0, "a.test"), "");
	hosts_file_free(hosts);
	hosts_file_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_entry_limit),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
