/* watched.c - see watched.h. */
#include "watched.h"

#include <stdlib.h>

/* A file that a setting names, if it does. */
static void add(const char **paths, size_t *count, const char *path)
{
	if (path != NULL)
		paths[(*count)++] = path;
}

static void add_list(const char **paths, size_t *count, char *const *list,
		     size_t length)
{
	for (size_t i = 0; i < length; i++)
		add(paths, count, list[i]);
}

/* see watched.h */
const char **watched_files(const struct settings *settings, size_t *count)
{
	const struct tls_options *tls = &settings->tls;
	const char *const single[] = {
		settings->acl_file,
		tls->cert_file,
		tls->key_file,
		settings->origin_ca_file,
		settings->mitm_cert_file,
		settings->mitm_key_file,
	};
	const struct {
		char *const *list;
		size_t length;
	} lists[] = {
		{tls->more_bundles, tls->more_count},
		{tls->ca_files, tls->ca_count},
		{tls->crl_files, tls->crl_count},
	};
	size_t room = sizeof(single) / sizeof(single[0]);
	const char **paths;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		room += lists[i].length;
	paths = calloc(room, sizeof(*paths));
	*count = 0;
	if (paths == NULL)
		return NULL;
	for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		add(paths, count, single[i]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		add_list(paths, count, lists[i].list, lists[i].length);
	return paths;
}

/* see watched.h */
bool watched_any(const struct settings *settings)
{
	size_t count;
	const char **paths = watched_files(settings, &count);

	free(paths);
	return paths == NULL || count != 0;
}
