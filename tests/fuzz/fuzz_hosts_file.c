/* fuzz_hosts_file.c - a hosts file of any bytes.  Whatever was read is sorted,
 * and is found again under its own name. */
#include <stdlib.h>

#include "runtime/net/hosts_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hosts_table table;

	if (!hosts_table_init(&table, (const char *)data, size))
		return 0;
	for (size_t i = 0; i < table.count; i++) {
		const struct hosts_entry *entry = &table.entries[i];
		const struct hosts_entry *first;
		size_t count = hosts_table_find(&table, entry->name, &first);

		check(entry->name.n > 0);
		check(first <= entry && entry < first + count);
		check(i == 0 || str_compare(entry[-1].name, entry->name) <= 0);
	}
	hosts_table_fini(&table);
	return 0;
}
