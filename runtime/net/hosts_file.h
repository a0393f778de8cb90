/* hosts_file.h - names that this machine knows without asking: hosts(5), read
 * as Go reads it.  A table in memory, replaced when the file has changed; the
 * file is looked at no more than once every HOSTS_CHECK_MS.  Zones, short and
 * octal forms are no addresses here; their lines are passed over. */
#ifndef NET_HOSTS_FILE_H
#define NET_HOSTS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/policy/addr.h"
#include "runtime/policy/str.h"

/* What lies beyond these is not read. */
#define HOSTS_MAX_BYTES (8U << 20)
#define HOSTS_MAX_ENTRIES (1U << 18)
#define HOSTS_CHECK_MS 1000

/* --- the table: pure, but for malloc --- */

struct hosts_entry {
	struct str name; /* lower case, no final dot; borrowed from the text */
	struct addr addr;
	uint32_t order; /* of its name in the file */
};

struct hosts_table {
	char *text;                  /* owned */
	struct hosts_entry *entries; /* owned; by name, then order */
	size_t count;
};

/* Read SIZE bytes of a hosts file.  False: out of memory, OUT is empty. */
bool hosts_table_init(struct hosts_table *out, const char *bytes, size_t size);
void hosts_table_fini(struct hosts_table *table);

/* The entries of NAME (lower case, no final dot): *FIRST and how many. */
size_t hosts_table_find(const struct hosts_table *table, struct str name,
			const struct hosts_entry **first);

/* --- the file --- */

struct hosts_file;

/* PATH is copied; it need not exist, now or ever.  NULL: out of memory. */
struct hosts_file *hosts_file_new(const char *path);
void hosts_file_free(struct hosts_file *hosts);

/* As hosts_table_find(), in the file as it is at NOW_MS (monotonic).  *FIRST is
 * borrowed until the next call.  A file that cannot be read has no names; one
 * that can no longer be read for want of memory or descriptors keeps those it
 * had. */
size_t hosts_file_find(struct hosts_file *hosts, uint64_t now_ms,
		       struct str name, const struct hosts_entry **first);

#endif
