/* test_resolver.c - the resolver against a scripted server in the same event
 * loop, honest and otherwise: what is asked, and what is believed. */
#include "resolver_world.h"

/* --- what the server says --- */

static void answer_servfail(struct responder *responder,
			    const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 2);
}

static void answer_nodata(struct responder *responder,
			  const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
}

static void answer_truncated(struct responder *responder,
			     const struct asked *asked, struct reply *reply)
{
	if (asked->tcp)
		answer_good(responder, asked, reply);
	else
		reply_begin(reply, asked, 0x0200);
}

static void answer_wrong_owner(struct responder *responder,
			       const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, "evil.test", "192.0.2.66", 60);
	reply_addr(reply, asked, "evil.test", "2001:db8::66", 60);
}

static void answer_some_foreign(struct responder *responder,
				const struct asked *asked, struct reply *reply)
{
	answer_wrong_owner(responder, asked, reply);
	reply_addr(reply, asked, asked->name, "192.0.2.1", 60);
}

static void answer_wrong_id(struct responder *responder,
			    const struct asked *asked, struct reply *reply)
{
	answer_good(responder, asked, reply);
	reply->bytes[0] ^= 0x55;
}

static void answer_wrong_question(struct responder *responder,
				  const struct asked *asked,
				  struct reply *reply)
{
	struct asked other = *asked;

	(void)responder;
	memcpy(other.name, "evil.test", sizeof("evil.test"));
	reply_begin(reply, &other, 0);
	reply_addr(reply, &other, other.name, "192.0.2.66", 60);
	reply_addr(reply, &other, other.name, "2001:db8::66", 60);
}

static void answer_chain(struct responder *responder, const struct asked *asked,
			 struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	/* The end first: the order of records says nothing. */
	reply_addr(reply, asked, "c.test", "192.0.2.3", 60);
	reply_addr(reply, asked, "b.test", "192.0.2.66", 60);
	reply_cname(reply, "b.test", "C.test");
	reply_cname(reply, asked->name, "b.test");
}

static void answer_loop(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_cname(reply, asked->name, "b.test");
	reply_cname(reply, "b.test", asked->name);
	reply_addr(reply, asked, asked->name, "192.0.2.66", 60);
}

static void answer_garbage(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply->bytes[7] = 200; /* so many answers, and then this */
	memset(reply->bytes + reply->size, 0xff, 40);
	reply->size += 40;
}

static void answer_only_v4(struct responder *responder,
			   const struct asked *asked, struct reply *reply)
{
	if (asked->type == TYPE_A)
		answer_good(responder, asked, reply);
}

static void answer_mapped(struct responder *responder,
			  const struct asked *asked, struct reply *reply)
{
	(void)responder;
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "::ffff:192.0.2.1", 60);
}

/* Send REPLY to the client that ASKED, from socket FD. */
static void send_to_client(int fd, const struct asked *asked,
			   const struct reply *reply)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(asked->client_port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	sendto(fd, reply->bytes, reply->size, 0, (struct sockaddr *)&to,
	       sizeof(to));
}

static void begin_forgery(struct reply *reply, const struct asked *asked)
{
	reply_begin(reply, asked, 0);
	reply_addr(reply, asked, asked->name, "192.0.2.66", 60);
	reply_addr(reply, asked, asked->name, "2001:db8::66", 60);
}

/* The right answer in every bit, but from another port. */
static void answer_from_elsewhere(struct responder *responder,
				  const struct asked *asked,
				  struct reply *reply)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)responder;
	begin_forgery(reply, asked);
	send_to_client(fd, asked, reply);
	close(fd);
	reply->size = 0;
}

/* Guesses of the id, an empty datagram, half a header; then the truth. */
static void answer_after_guesses(struct responder *responder,
				 const struct asked *asked, struct reply *reply)
{
	begin_forgery(reply, asked);
	for (unsigned guess = 1; guess <= 64; guess++) {
		reply->bytes[0] = (uint8_t)((asked->id ^ guess) >> 8);
		reply->bytes[1] = (uint8_t)(asked->id ^ guess);
		send_to_client(responder->udp, asked, reply);
	}
	reply->size = 6;
	send_to_client(responder->udp, asked, reply);
	reply->size = 0;
	send_to_client(responder->udp, asked, reply);
	memset(reply->bytes, 0, sizeof(reply->bytes));
	answer_good(responder, asked, reply);
}

/* A server from before EDNS: it knows no OPT record and says so. */
static void answer_old(struct responder *responder, const struct asked *asked,
		       struct reply *reply)
{
	if (asked->edns)
		reply_begin(reply, asked, 1);
	else
		answer_good(responder, asked, reply);
}

static void answer_many(struct responder *responder, const struct asked *asked,
			struct reply *reply)
{
	char ip[32];

	(void)responder;
	reply_begin(reply, asked, 0);
	for (int i = 0; i < 30; i++) {
		snprintf(ip, sizeof(ip), "192.0.2.%d", i);
		reply_addr(reply, asked, asked->name, ip, 60);
		snprintf(ip, sizeof(ip), "2001:db8::%x", i);
		reply_addr(reply, asked, asked->name, ip, 60);
	}
}

/* --- tests --- */

static void test_both_families(void **state)
{
	struct told told = look_up(*state, "a.test");

	assert_int_equal(told.status, LOOKUP_OK);
	assert_string_equal(told.error, "");
	assert_int_equal(told.count, 3);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");
	assert_string_equal(text(&told.addrs[1]), "192.0.2.2");
	assert_string_equal(text(&told.addrs[2]), "2001:db8::1");
}

static void test_one_family(void **state)
{
	struct world *world = *state;
	struct told told;

	world->options.network = NETWORK_IP4;
	renew(world);
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 2);
	assert_int_equal(world->server.count, 1);
	assert_int_equal(world->server.log[0].type, TYPE_A);

	world->options.network = NETWORK_IP6;
	renew(world);
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_int_equal(world->server.count, 2);
	assert_int_equal(world->server.log[1].type, TYPE_AAAA);
}

static size_t distinct(const struct responder *server, bool ports)
{
	size_t fresh = 0;

	for (size_t i = 0; i < server->count; i++) {
		bool seen = false;

		for (size_t j = 0; j < i; j++) {
			if (ports ? server->log[j].client_port ==
					    server->log[i].client_port
				  : server->log[j].id == server->log[i].id)
				seen = true;
		}
		fresh += !seen;
	}
	return fresh;
}

/* 100 of some 28,000 ports and 65,536 ids: three equal pairs are rare. */
static void test_ports_and_ids_differ(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 50; i++)
		assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_int_equal(world->server.count, 100);
	assert_true(distinct(&world->server, true) >= 96);
	assert_true(distinct(&world->server, false) >= 97);
}

/* The retry of a question is not the same packet from the same port again. */
static void test_retry_is_fresh(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_nothing;
	world->options.network = NETWORK_IP4;
	renew(world);
	look_up(world, "a.test");
	assert_true(world->server.count >= 2);
	assert_true(distinct(&world->server, true) >= world->server.count - 1);
	assert_true(distinct(&world->server, false) >= world->server.count - 1);
}

static void test_truncated_goes_to_tcp(void **state)
{
	struct world *world = *state;
	struct told told;
	size_t over_tcp = 0;

	world->server.answer = answer_truncated;
	told = look_up(world, "a.test");
	assert_int_equal(told.status, LOOKUP_OK);
	assert_int_equal(told.count, 3);
	for (size_t i = 0; i < world->server.count; i++)
		over_tcp += world->server.log[i].tcp;
	assert_int_equal(over_tcp, 2);
	assert_int_equal(world->server.count, 4);
}

static void test_server_without_edns(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_old;
	assert_int_equal(look_up(world, "a.test").count, 3);
}

static void test_large_answer_over_udp(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_many;
	assert_int_equal(look_up(world, "a.test").count, 60);
	for (size_t i = 0; i < world->server.count; i++)
		assert_true(world->server.log[i].edns);
}

/* Nobody at the first server's port: the kernel says so at once. */
static void test_failover_from_closed_port(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->options.timeout_ms = 5000;
	add_server(world, world->second.port);
	close(world->server.udp);
	event_del(world->server.udp_event);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_true(now_ms() - start < 900);
	assert_int_equal(world->second.count, 2);
	world->server.udp = -1;
}

/* Over IPv6, or at once for want of it. */
static void test_failover_from_ipv6(void **state)
{
	struct world *world = *state;
	struct resolver_server *first = &world->options.servers[0];

	first->addr = addr_from_v6((const uint8_t[16]){[15] = 1});
	add_server(world, world->second.port);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_int_equal(world->server.count, 0);
	assert_int_equal(world->second.count, 2);
}

static void test_failover_from_silent_server(void **state)
{
	struct world *world = *state;
	size_t before;

	world->server.answer = answer_nothing;
	add_server(world, world->second.port);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	assert_int_equal(world->second.count, 2);

	/* It rests: the next lookup does not wait for it. */
	before = world->server.count;
	assert_int_equal(look_up(world, "b.test").status, LOOKUP_OK);
	assert_int_equal(world->server.count, before);
}

static void test_failover_from_refusal(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_servfail;
	add_server(world, world->second.port);
	renew(world);
	assert_int_equal(look_up(world, "a.test").status, LOOKUP_OK);
	/* Alive, if unhelpful: it is asked first again. */
	look_up(world, "b.test");
	assert_int_equal(world->server.count, 4);
}

static void test_errors(void **state)
{
	static const struct {
		responder_answer *answer;
		enum lookup_status status;
		const char *what;
	} cases[] = {
		{answer_nxdomain, LOOKUP_NOT_FOUND, "no such host"},
		{answer_nodata, LOOKUP_NOT_FOUND, "no such host"},
		{answer_servfail, LOOKUP_FAILED, "server misbehaving"},
		{answer_wrong_owner, LOOKUP_FAILED, "server misbehaving"},
		{answer_loop, LOOKUP_FAILED, "server misbehaving"},
		{answer_garbage, LOOKUP_FAILED, "server misbehaving"},
		{answer_nothing, LOOKUP_TIMEOUT, "i/o timeout"},
		{answer_wrong_id, LOOKUP_TIMEOUT, "i/o timeout"},
		{answer_from_elsewhere, LOOKUP_TIMEOUT, "i/o timeout"},
		{answer_wrong_question, LOOKUP_TIMEOUT, "i/o timeout"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world->server.answer = cases[i].answer;
		renew(world);
		expect_error(world, look_up(world, "a.test"), cases[i].status,
			     cases[i].what);
	}
}

static void test_timeout_is_kept(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->server.answer = answer_nothing;
	look_up(world, "a.test");
	assert_in_range(now_ms() - start, 390, 1500);
}

static void test_foreign_records_are_ignored(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_some_foreign;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");
}

static void test_guesses_are_ignored(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_after_guesses;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 3);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");
	assert_int_equal(world->server.count, 2); /* and asked but once */
}

static void test_alias_chain(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_chain;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.3");
}

/* IPv4 is there, IPv6 never comes: use what there is. */
static void test_one_family_silent(void **state)
{
	struct world *world = *state;

	world->server.answer = answer_only_v4;
	assert_int_equal(look_up(world, "a.test").count, 2);
}

/* With all the time in the world the second family still gets only so much. */
static void test_second_family_is_bounded(void **state)
{
	struct world *world = *state;
	uint64_t start = now_ms();

	world->server.answer = answer_only_v4;
	world->options.timeout_ms = 60000;
	renew(world);
	assert_int_equal(look_up(world, "a.test").count, 2);
	assert_in_range(now_ms() - start, RESOLVER_SECOND_FAMILY_MS - 10,
			RESOLVER_SECOND_FAMILY_MS + 1500);
}

/* An IPv4 address in an AAAA record is one, and no IPv6 address. */
static void test_mapped_addresses(void **state)
{
	struct world *world = *state;
	struct told told;

	world->server.answer = answer_mapped;
	told = look_up(world, "a.test");
	assert_int_equal(told.count, 1);
	assert_string_equal(text(&told.addrs[0]), "192.0.2.1");

	world->options.network = NETWORK_IP6;
	renew(world);
	expect_error(world, look_up(world, "a.test"), LOOKUP_NOT_FOUND,
		     "no such host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_families),
		TEST(test_one_family),
		TEST(test_ports_and_ids_differ),
		TEST(test_retry_is_fresh),
		TEST(test_truncated_goes_to_tcp),
		TEST(test_server_without_edns),
		TEST(test_large_answer_over_udp),
		TEST(test_failover_from_closed_port),
		TEST(test_failover_from_ipv6),
		TEST(test_failover_from_silent_server),
		TEST(test_failover_from_refusal),
		TEST(test_errors),
		TEST(test_timeout_is_kept),
		TEST(test_foreign_records_are_ignored),
		TEST(test_guesses_are_ignored),
		TEST(test_alias_chain),
		TEST(test_one_family_silent),
		TEST(test_second_family_is_bounded),
		TEST(test_mapped_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
