/* fuzz_dns_message.c - bytes from a DNS server.  The first byte chooses the
 * type asked for, the rest is the answer; its own id is the one expected, or
 * little would get past the first check. */
#include <stdlib.h>
#include <string.h>

#include "runtime/net/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Any text either is a name that fits, or is refused. */
static void try_name(const uint8_t *data, size_t size)
{
	struct dns_question question = {.type = DNS_TYPE_A};
	uint8_t query[DNS_QUERY_MAX];

	if (!dns_name_from_text(str_make((const char *)data, size),
				&question.name))
		return;
	check(question.name.length >= 3);
	check(question.name.length <= DNS_NAME_MAX);
	check(question.name.bytes[question.name.length - 1] == 0);
	check(dns_query_write(&question, 7, query) <= DNS_QUERY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str name = {"a.test", 6};
	struct dns_question question;
	struct dns_answer answer;
	uint16_t id = 0;

	try_name(data, size);
	if (size == 0)
		return 0;
	check(dns_name_from_text(name, &question.name));
	question.type = data[0] & 1 ? DNS_TYPE_AAAA : DNS_TYPE_A;
	data++;
	size--;
	if (size >= 2)
		id = (uint16_t)(data[0] << 8 | data[1]);
	dns_answer_read(data, size, id, &question, &answer);
	check((answer.verdict == DNS_ADDRESSES) == (answer.count > 0));
	check(answer.count <= DNS_MAX_ADDRESSES);
	for (size_t i = 0; i < answer.count; i++)
		check(question.type == DNS_TYPE_AAAA ||
		      addr_is_v4(&answer.addrs[i]));
	return 0;
}
