/* test_metrics.c - counting, what Prometheus reads, and what statsd is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runtime/observe/prometheus.h"
#include "runtime/observe/statsd.h"

static struct metrics_registry registry;
static struct metrics *first, *second;

static int init(void **state)
{
	(void)state;
	if (!metrics_init(&registry))
		return -1;
	first = metrics_add_thread(&registry);
	second = metrics_add_thread(&registry);
	return first == NULL || second == NULL;
}

static int fini(void **state)
{
	(void)state;
	metrics_fini(&registry);
	return 0;
}

/* What Prometheus reads; the caller frees it. */
static char *page(void)
{
	const struct prometheus_now now = {
		.clients = 3,
		.policy = "0123456789abcdef",
		.version = "a\"b\\c\nd",
	};
	struct text out = {.n = 0};

	prometheus_write(&out, &registry, &now);
	text_add(&out, str_make("", 1));
	assert_false(out.failed);
	return out.p;
}

static bool has_line(const char *line)
{
	char *text = page(), *at = text;
	size_t n = strlen(line);
	bool found = false;

	while (!found && (at = strstr(at, line)) != NULL) {
		found = (at == text || at[-1] == '\n') && at[n] == '\n';
		at++;
	}
	free(text);
	return found;
}

static void test_labels(void **state)
{
	char out[METRICS_LABEL_MAX + 1];
	char long_text[METRICS_LABEL_MAX + 20];

	(void)state;
	metrics_label(STR("a|b@c#d:e\"f}g{h\\i,j\nk\x7fl"), out);
	assert_string_equal(out, "a_b_c_d_e_f_g_h_i_j_k_l");
	metrics_label(STR("a\0b"), out);
	assert_string_equal(out, "a_b");
	metrics_label(STR("Gr\xc3\xbc\xc3\x9f"), out);
	assert_string_equal(out, "Gr\xc3\xbc\xc3\x9f");
	memset(long_text, 'x', sizeof(long_text));
	metrics_label(str_make(long_text, METRICS_LABEL_MAX), out);
	assert_int_equal(strlen(out), METRICS_LABEL_MAX);
	metrics_label(str_make(long_text, METRICS_LABEL_MAX + 1), out);
	assert_int_equal(strlen(out), METRICS_LABEL_MAX);
	/* no half of a character at the cut */
	memcpy(long_text + METRICS_LABEL_MAX - 1, "\xc3\xbc", 2);
	metrics_label(str_make(long_text, sizeof(long_text)), out);
	assert_int_equal(strlen(out), METRICS_LABEL_MAX - 1);
}

static void test_threads_add_up(void **state)
{
	(void)state;
	metrics_count(first, METRIC_RESOLVER_ATTEMPTS);
	metrics_add(second, METRIC_RESOLVER_ATTEMPTS, 2);
	assert_true(has_line("resolver_attempts_total 3"));
	assert_true(has_line("# TYPE resolver_attempts_total counter"));
	/* a gauge may go up in one thread and down in another */
	metrics_add(first, METRIC_TUNNELS, 2);
	metrics_add(second, METRIC_TUNNELS, UINT64_MAX);
	assert_true(has_line("smokescreen_tunnels 1"));
	assert_true(has_line("# TYPE smokescreen_tunnels gauge"));
	assert_true(has_line("smokescreen_clients 3"));
	assert_true(has_line("smokescreen_policy_info{policy=\""
			     "0123456789abcdef\"} 1"));
	assert_true(has_line("smokescreen_build_info{version=\"a\\\"b\\\\c\\nd"
			     "\"} 1"));
}

static void test_histograms(void **state)
{
	const char *bucket = "smokescreen_dns_lookup_duration_seconds_bucket";
	char line[128];

	(void)state;
	metrics_observe(first, HISTOGRAM_LOOKUP_SECONDS, 1000);
	metrics_observe(second, HISTOGRAM_LOOKUP_SECONDS, 1001);
	metrics_observe(second, HISTOGRAM_LOOKUP_SECONDS, 4000000000);
	snprintf(line, sizeof(line), "%s{le=\"0.001\"} 1", bucket);
	assert_true(has_line(line));
	snprintf(line, sizeof(line), "%s{le=\"0.0025\"} 2", bucket);
	assert_true(has_line(line));
	snprintf(line, sizeof(line), "%s{le=\"10\"} 2", bucket);
	assert_true(has_line(line));
	snprintf(line, sizeof(line), "%s{le=\"+Inf\"} 3", bucket);
	assert_true(has_line(line));
	assert_true(has_line("smokescreen_dns_lookup_duration_seconds_sum "
			     "4000.002001"));
	assert_true(has_line("smokescreen_dns_lookup_duration_seconds_count "
			     "3"));
	metrics_tunnel_closed(first, METRICS_SET_NONE, false, 86400000000, 0,
			      0);
	assert_true(has_line("cn_duration_bucket{role=\"\",project=\"\",le=\""
			     "43200\"} 0"));
	assert_true(has_line("cn_duration_bucket{role=\"\",project=\"\",le=\""
			     "86400\"} 1"));
	/* upstream's are in milliseconds */
	metrics_observe(first, HISTOGRAM_PROXY_DURATION, 1500);
	assert_true(has_line("proxy_duration_ms_timer_sum 1.5"));
	assert_true(has_line("proxy_duration_ms_timer_bucket{le=\"1\"} 0"));
	assert_true(has_line("proxy_duration_ms_timer_bucket{le=\"2.5\"} 1"));
}

static void test_decisions_and_dials(void **state)
{
	(void)state;
	metrics_decision(first, VERDICT_ALLOW, CAUSE_NO_ACL);
	metrics_decision(first, VERDICT_REPORT,
			 CAUSE_REASON + REASON_RULE_REPORT);
	metrics_decision(first, VERDICT_DENY,
			 CAUSE_ADDRESS + ADDR_USER_ALLOWED);
	metrics_dial(first, ADDR_DEFAULT, false, 0);
	metrics_dial(first, ADDR_USER_ALLOWED, true, 0);
	metrics_dial(second, ADDR_USER_ALLOWED, false, 111);
	assert_true(has_line("smokescreen_decisions_total{verdict=\"allow\","
			     "reason=\"no_acl\"} 1"));
	assert_true(has_line("smokescreen_decisions_total{verdict=\"report\","
			     "reason=\"rule_report\"} 1"));
	assert_true(has_line("smokescreen_decisions_total{verdict=\"deny\","
			     "reason=\"address_user_allowed\"} 1"));
	assert_true(has_line("smokescreen_dials_total{class=\"default\","
			     "result=\"connected\"} 1"));
	assert_true(has_line("smokescreen_dials_total{class=\"user_allowed\","
			     "result=\"timeout\"} 1"));
	assert_true(has_line("smokescreen_dials_total{class=\"user_allowed\","
			     "result=\"refused\"} 1"));
	assert_true(has_line("cn_atpt_total{success=\"true\"} 1"));
	assert_true(has_line("cn_atpt_total{success=\"false\"} 2"));
	assert_true(has_line("cn_atpt_connect_err{type=\"timeout\"} 1"));
}

static struct decision decided(uint32_t rule, const char *name,
			       bool default_rule, enum verdict verdict)
{
	return (struct decision){
		.verdict = verdict,
		.reason = REASON_RULE_OPEN,
		.rule = rule,
		.default_rule = default_rule,
		.rule_name = str_from(name),
		.project = STR("pro\"ject"),
	};
}

static void test_roles_and_projects(void **state)
{
	struct decision decision = decided(0, "svc", false, VERDICT_ALLOW);
	struct metrics_rules rules, later;
	uint16_t set, other;

	(void)state;
	assert_true(metrics_rules_init(&rules, 3));
	set = metrics_acl(first, &rules, &decision);
	assert_int_equal(metrics_acl(second, &rules, &decision), set);
	assert_true(has_line("acl_allow{role=\"svc\",def_rule=\"false\","
			     "project=\"pro_ject\"} 2"));
	/* the same role by the default rule: another acl_*, the same cn_* */
	decision = decided(2, "svc", true, VERDICT_DENY);
	other = metrics_acl(first, &rules, &decision);
	assert_int_not_equal(other, set);
	assert_true(has_line("acl_deny{role=\"svc\",def_rule=\"true\","
			     "project=\"pro_ject\"} 1"));
	metrics_tunnel_closed(first, set, false, 10000, 257, 256);
	metrics_tunnel_closed(second, other, true, 10001, 256, 257);
	assert_true(has_line("cn_close{role=\"svc\",project=\"pro_ject\"} 2"));
	assert_true(has_line("cn_active_at_termination{role=\"svc\",project=\""
			     "pro_ject\"} 1"));
	assert_true(has_line("cn_duration_bucket{role=\"svc\",project=\""
			     "pro_ject\",le=\"0.01\"} 1"));
	assert_true(has_line("cn_bytes_in_bucket{role=\"svc\",project=\""
			     "pro_ject\",le=\"256\"} 1"));
	assert_true(has_line("cn_bytes_out_sum{role=\"svc\",project=\""
			     "pro_ject\"} 513"));
	/* no rule */
	decision.rule = RULE_NONE;
	assert_int_equal(metrics_acl(first, &rules, &decision),
			 METRICS_SET_NONE);
	assert_true(has_line("acl_deny{role=\"\",def_rule=\"false\","
			     "project=\"\"} 1"));
	/* another policy with the same rule elsewhere */
	assert_true(metrics_rules_init(&later, 9));
	decision = decided(8, "svc", false, VERDICT_ALLOW);
	assert_int_equal(metrics_acl(first, &later, &decision), set);
	metrics_rules_fini(&rules);
	metrics_rules_fini(&later);
}

static void test_the_number_of_sets_is_bounded(void **state)
{
	struct metrics_rules rules;
	unsigned count = METRICS_MAX_SETS + 10;

	(void)state;
	assert_true(metrics_rules_init(&rules, count));
	for (unsigned i = 0; i < count; i++) {
		struct decision decision;
		char name[16];

		snprintf(name, sizeof(name), "role%u", i);
		decision = decided(i, name, false, VERDICT_ALLOW);
		/* two sets are there from the start */
		if (i < METRICS_MAX_SETS - 2)
			assert_int_equal(metrics_acl(first, &rules, &decision),
					 i + 2);
		else
			assert_int_equal(metrics_acl(first, &rules, &decision),
					 METRICS_SET_OTHER);
	}
	assert_true(has_line("acl_allow{role=\"_other\",def_rule=\"false\","
			     "project=\"_other\"} 12"));
	metrics_rules_fini(&rules);
}

/* --- statsd -----------------------------------------------------------------
 */

static int ends[2];
static struct statsd statsd;

static int init_statsd(void **state)
{
	if (init(state) != 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
		return -1;
	statsd_init(&statsd, ends[0], first);
	first->statsd = &statsd;
	return 0;
}

static int fini_statsd(void **state)
{
	close(ends[0]);
	close(ends[1]);
	return fini(state);
}

/* The next datagram, as a C string. */
static const char *received(void)
{
	static char buffer[STATSD_DATAGRAM + 2];
	ssize_t n = recv(ends[1], buffer, sizeof(buffer) - 1, 0);

	if (n < 0)
		return NULL;
	assert_true(n <= STATSD_DATAGRAM);
	buffer[n] = '\0';
	return buffer;
}

static void test_samples(void **state)
{
	struct metrics_rules rules;
	struct decision decision = decided(0, "svc", false, VERDICT_ALLOW);
	uint16_t set;

	(void)state;
	assert_true(metrics_rules_init(&rules, 1));
	set = metrics_acl(first, &rules, &decision);
	metrics_observe(first, HISTOGRAM_PROXY_DURATION, 1234567);
	metrics_tunnel_closed(first, set, false, 2500000, 1, 5000000000);
	/* not for statsd */
	metrics_observe(first, HISTOGRAM_CONNECT_SECONDS, 1);
	assert_null(received());
	statsd_flush(&statsd);
	assert_string_equal(
		received(),
		"smokescreen.proxy_duration_ms:1234.567000|ms\n"
		"smokescreen.cn.duration:2.500000|h|#role:svc,project:pro_ject"
		"\n"
		"smokescreen.cn.bytes_in:1|h|#role:svc,project:pro_ject\n"
		"smokescreen.cn.bytes_out:5000000000|h|#role:svc,project:"
		"pro_ject");
	statsd_flush(&statsd);
	assert_null(received());
	metrics_rules_fini(&rules);
}

static void test_datagrams_are_full_and_no_longer(void **state)
{
	unsigned lines = 0;
	const char *text;

	(void)state;
	for (int i = 0; i < 100; i++)
		metrics_observe(first, HISTOGRAM_PROXY_DURATION, 1000);
	statsd_flush(&statsd);
	while ((text = received()) != NULL) {
		size_t n = strlen(text);

		assert_true(n > STATSD_DATAGRAM - 100 || lines > 60);
		for (lines++; (text = strchr(text, '\n')) != NULL; text++)
			lines++;
	}
	assert_int_equal(lines, 100);
}

static void test_every_other_lookup_is_told(void **state)
{
	unsigned lines = 0;
	const char *text;

	(void)state;
	for (int i = 0; i < 1000; i++)
		metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	statsd_flush(&statsd);
	while ((text = received()) != NULL)
		for (lines++; (text = strchr(text, '\n')) != NULL; text++)
			lines++;
	assert_in_range(lines, 400, 600);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	metrics_observe(first, HISTOGRAM_LOOKUP_TIME, 1000);
	statsd_flush(&statsd);
	assert_non_null(
		strstr(received(), "resolver.lookup_time:1.000000|ms|@0.5"));
}

static void test_counters_are_what_they_grew_by(void **state)
{
	struct statsd_sent *sent = calloc(1, sizeof(*sent));
	const char *text;

	(void)state;
	assert_non_null(sent);
	metrics_count(first, METRIC_RESOLVER_ATTEMPTS);
	metrics_add(second, METRIC_CONNECT_TIMEOUT, 41);
	metrics_add(second, METRIC_TUNNELS, UINT64_MAX);
	assert_true(statsd_send_counters(&statsd, sent, &registry));
	text = received();
	assert_non_null(strstr(text, "smokescreen.resolver.attempts_total:1|c"
				     "\n"));
	assert_non_null(strstr(text, "smokescreen.cn.atpt.connect.err:41|c|#"
				     "type:timeout\n"));
	assert_non_null(strstr(text, "smokescreen.tunnels:-1|g"));
	statsd_gauge(&statsd, "clients", NULL, NULL, 7);
	statsd_gauge(&statsd, "tls.crl.next_update", "issuer", "a", 8);
	statsd_flush(&statsd);
	assert_string_equal(received(),
			    "smokescreen.clients:7|g\n"
			    "smokescreen.tls.crl.next_update:8|g|#issuer:a");
	metrics_count(second, METRIC_RESOLVER_ATTEMPTS);
	assert_false(statsd_send_counters(&statsd, sent, &registry));
	assert_string_equal(received(),
			    "smokescreen.resolver.attempts_total:1|c");
	assert_false(statsd_send_counters(&statsd, sent, &registry));
	assert_null(received());
	free(sent);
}

static void test_what_the_kernel_refuses_is_dropped_and_counted(void **state)
{
	unsigned i;

	(void)state;
	/* nobody reads: at some point the socket is full */
	for (i = 0; i < 100000; i++) {
		metrics_observe(first, HISTOGRAM_PROXY_DURATION, 1000);
		if (atomic_load(&first->fixed[METRIC_STATSD_DROPPED]) == 2)
			break;
	}
	assert_in_range(i, 1, 99999);
	assert_true(has_line("smokescreen_statsd_dropped_total 2"));
}

static void test_addresses_of_servers(void **state)
{
	static const char *const bad[] = {
		"",
		"localhost",
		":8125",
		"localhost:",
		"::1:8125",
		"[::1]",
		"[]:8125",
		"127.0.0.1:http",
		"127.0.0.1:70000x",
		"no.such.invalid:8125",
	};
	char why[STATSD_WHY_MAX];
	int fd;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_int_equal(statsd_open(bad[i], why), -1);
		assert_non_null(strstr(why, "statsd address"));
	}
	fd = statsd_open("127.0.0.1:8125", why);
	assert_true(fd >= 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
#define WITH_CELLS(test) cmocka_unit_test_setup_teardown(test, init, fini)
		WITH_CELLS(test_threads_add_up),
		WITH_CELLS(test_histograms),
		WITH_CELLS(test_decisions_and_dials),
		WITH_CELLS(test_roles_and_projects),
		WITH_CELLS(test_the_number_of_sets_is_bounded),
#define WITH_STATSD(test)                                                      \
	cmocka_unit_test_setup_teardown(test, init_statsd, fini_statsd)
		WITH_STATSD(test_samples),
		WITH_STATSD(test_datagrams_are_full_and_no_longer),
		WITH_STATSD(test_every_other_lookup_is_told),
		WITH_STATSD(test_counters_are_what_they_grew_by),
		WITH_STATSD(
			test_what_the_kernel_refuses_is_dropped_and_counted),
		cmocka_unit_test(test_addresses_of_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
