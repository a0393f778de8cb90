/* decide_loop.c - normalise a host and decide about it, COUNT times, and do
 * nothing else worth counting: for check.py.  Exit status 3: no blob.
 * usage: decide_loop BLOB COUNT */
#include <stdio.h>
#include <stdlib.h>

#include "runtime/policy/blob.h"
#include "runtime/policy/decide.h"
#include "runtime/policy/hostname.h"

/* Matched, not matched, literals; what libidn2 would be asked is not ours. */
static const char *const hosts[] = {
	"api.example.com",        "example.com", "a.b.wild.example.net",
	"www.nobody-allowed.org", "denied.test", "192.0.2.1",
	"UPPER.Example.COM",      "localhost",   "deep.er.and.deep.er.test",
	"api.example.com.",
};

#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))

int main(int argc, char **argv)
{
	struct blob blob;
	unsigned long allowed = 0, count;

	if (argc != 3 || blob_load(&blob, argv[1]) != BLOB_OK)
		return 3;
	count = strtoul(argv[2], NULL, 10);
	for (unsigned long i = 0; i < count; i++) {
		struct hostname host;
		struct query query = {.host = &host};
		struct str name = str_from(hosts[i % HOSTS]);

		if (hostname_normalize(name, &host) == HOST_OK)
			allowed +=
				decide(&blob, &query).verdict == VERDICT_ALLOW;
	}
	printf("%lu of %lu allowed\n", allowed, count);
	blob_unmap(&blob);
	return 0;
}
