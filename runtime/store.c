/* store.c - see store.h. */
#include "store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

_Static_assert(STORE_WHY_MAX >= TLS_CONTEXT_WHY_MAX &&
		       STORE_WHY_MAX >= ROOTS_WHY_MAX,
	       "who is called may fill it");

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, STORE_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

struct policy *policy_ref(struct policy *policy)
{
	atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
	return policy;
}

void policy_unref(struct policy **slot)
{
	struct policy *policy = *slot;

	*slot = NULL;
	if (policy == NULL ||
	    atomic_fetch_sub_explicit(&policy->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	if (policy->blob.bytes != NULL)
		blob_unmap(&policy->blob);
	metrics_rules_fini(&policy->counted);
	free(policy->image);
	tls_context_unref(&policy->tls);
	tls_roots_unref(&policy->roots);
	mint_unref(&policy->mint);
	free(policy);
}

/* PATH as one word of a shell command. */
static void shell_word(const char *path, const char *suffix, size_t cut,
		       char *out, size_t size)
{
	size_t n = strlen(path) - cut;
	bool plain = n > 0 && path[0] != '-' &&
		     strspn(path, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_./,:@%+-") == strlen(path);
	size_t at = 0;

	if (plain) {
		snprintf(out, size, "%.*s%s", (int)n, path, suffix);
		return;
	}
	/* '\'' is the only way to have a quote inside quotes */
	out[at++] = '\'';
	for (size_t i = 0; i < n && at + 6 + strlen(suffix) < size; i++) {
		if (path[i] == '\'') {
			memcpy(out + at, "'\\'", 3);
			at += 3;
		}
		out[at++] = path[i];
	}
	snprintf(out + at, size - at, "%s'", suffix);
}

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static bool refuse_text(const char *path, char *why)
{
	size_t cut = ends_in(path, ".yaml") ? 5 : ends_in(path, ".yml") ? 4 : 0;
	char source[STORE_WHY_MAX / 4], blob[STORE_WHY_MAX / 4];

	shell_word(path, "", 0, source, sizeof(source));
	shell_word(path, ".blob", cut, blob, sizeof(blob));
	return refuse(why,
		      "%s is not a compiled policy; compile it first:\n"
		      "    smokescreenc -o %s %s\n"
		      "and give --egress-acl-file %s",
		      path, blob, source, blob);
}

static bool load_blob(struct policy *policy, const char *path, char *why)
{
	struct blob_info info;
	enum blob_error error = blob_load(&policy->blob, path);

	switch (error) {
	case BLOB_OK:
		blob_info(&policy->blob, &info);
		memcpy(policy->hash, info.policy, sizeof(policy->hash));
		policy->has_acl = true;
		return true;
	case BLOB_IO:
		return refuse(why, "open %s: %s", path, strerror(errno));
	case BLOB_NOT_A_BLOB:
		return refuse_text(path, why);
	case BLOB_EMPTY:
	case BLOB_BINARY:
	case BLOB_VERSION:
	case BLOB_TRUNCATED:
	case BLOB_CHECKSUM:
	case BLOB_DAMAGED:
	case BLOB_TOO_LARGE:
		break;
	}
	if (policy->blob.damage != NULL)
		return refuse(why, "%s: %s: %s", path, blob_error_text(error),
			      policy->blob.damage);
	return refuse(why, "%s: %s", path, blob_error_text(error));
}

static bool check_actions(const struct policy *policy,
			  const struct settings *settings, char *why)
{
	static const char *const words[] = {
		[RULE_ENFORCE] = "Enforce",
		[RULE_REPORT] = "Report",
		[RULE_OPEN] = "Open",
	};
	uint32_t count = blob_rule_count(&policy->blob);

	for (uint32_t i = 0; i < count; i++) {
		struct rule_info rule;

		if (!blob_rule(&policy->blob, i, &rule) ||
		    !settings->disabled_action[rule.action])
			continue;
		if (rule.is_default)
			rule.name = STR("default_rule");
		return refuse(why,
			      "rule for svc:%.*s utilizes a disabled policy:%s",
			      STR_ARG(rule.name), words[rule.action]);
	}
	return true;
}

/* The blob's own table will do unless there is more to say. */
static bool build_ranges(struct policy *policy, const struct settings *settings,
			 char *why)
{
	struct ranges_options options = settings->ranges, more = {0};
	const char *wrong;
	uint32_t compiled =
		policy->has_acl ? blob_range_count(&policy->blob) : 0;
	size_t count = settings->rule_count + compiled, length;
	struct range_rule *rules;

	if (policy->has_acl && settings->rule_count == 0 &&
	    !options.allow_private && options.nat64_count == 0) {
		policy->ranges = policy->blob.ranges;
		return true;
	}
	if (policy->has_acl)
		blob_range_options(&policy->blob, &more);
	wrong = ranges_add_options(&options, &more);
	if (wrong != NULL)
		return refuse(why, "%s, with those of the policy", wrong);
	rules = calloc(count + 1, sizeof(*rules));
	if (rules == NULL)
		return refuse(why, "out of memory");
	/* the compiled ones first: their indexes stay the blob's */
	for (uint32_t i = 0; i < compiled; i++)
		rules[i] = blob_range_rule(&policy->blob, i);
	if (settings->rule_count != 0)
		memcpy(rules + compiled, settings->rules,
		       settings->rule_count * sizeof(*rules));
	policy->image = ranges_build(rules, count, &options, &length);
	free(rules);
	if (policy->image == NULL)
		return refuse(why, "out of memory");
	if (!ranges_open(&policy->ranges, policy->image, length))
		return refuse(why, "the address table does not verify");
	return true;
}

static bool number_rules(struct policy *policy, char *why)
{
	uint32_t count = policy->has_acl ? blob_rule_count(&policy->blob) : 0;

	return metrics_rules_init(&policy->counted, count) ||
	       refuse(why, "out of memory");
}

static bool load_mint(struct policy *policy, const struct settings *settings,
		      char *why)
{
	return settings->mitm_cert_file == NULL ||
	       mint_load(settings->mitm_cert_file, settings->mitm_key_file,
			 &policy->mint, why);
}

/* NULL: WHY says why; HASH is the refused policy's, as far as it got. */
static struct policy *load(const struct settings *settings, char *hash,
			   char *why)
{
	struct policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL) {
		refuse(why, "out of memory");
		return NULL;
	}
	atomic_init(&policy->references, 1);
	policy->loaded = (uint64_t)time(NULL);
	if ((settings->acl_file == NULL ||
	     (load_blob(policy, settings->acl_file, why) &&
	      check_actions(policy, settings, why))) &&
	    build_ranges(policy, settings, why) && number_rules(policy, why) &&
	    tls_context_load(&settings->tls, (int64_t)policy->loaded,
			     &policy->tls, why) &&
	    tls_roots_load(settings->origin_ca_file, &policy->roots, why) &&
	    load_mint(policy, settings, why)) {
		memcpy(hash, policy->hash, sizeof(policy->hash));
		return policy;
	}
	memcpy(hash, policy->hash, sizeof(policy->hash));
	policy_unref(&policy);
	return NULL;
}

bool store_init(struct store *store, const struct settings *settings, char *why)
{
	char hash[17];

	*store = (struct store){.settings = settings};
	store->current = load(settings, hash, why);
	if (store->current == NULL)
		return false;
	/* generation 0 is a view that has seen nothing */
	atomic_init(&store->generation, 1);
	pthread_mutex_init(&store->lock, NULL);
	return true;
}

void store_fini(struct store *store)
{
	policy_unref(&store->current);
	pthread_mutex_destroy(&store->lock);
}

bool store_reload(struct store *store, struct store_reload *result)
{
	struct policy *fresh, *old;

	result->why[0] = '\0';
	memcpy(result->old_hash, store->current->hash,
	       sizeof(result->old_hash));
	fresh = load(store->settings, result->new_hash, result->why);
	if (fresh == NULL)
		return false;
	pthread_mutex_lock(&store->lock);
	old = store->current;
	store->current = fresh;
	/* a program may have another opinion of its clients by now */
	store->judges += store->settings->tls.role_by_program ||
			 !tls_context_judges_alike(old->tls, fresh->tls);
	atomic_fetch_add(&store->generation, 1);
	pthread_mutex_unlock(&store->lock);
	policy_unref(&old);
	return true;
}

struct policy *store_current(struct store *store, struct store_view *view)
{
	if (atomic_load(&store->generation) == view->generation)
		return view->policy;
	policy_unref(&view->policy);
	pthread_mutex_lock(&store->lock);
	view->policy = policy_ref(store->current);
	view->generation = atomic_load(&store->generation);
	view->judges = store->judges;
	pthread_mutex_unlock(&store->lock);
	return view->policy;
}

static bool has_mitm_domains(const struct policy *policy)
{
	uint32_t count = policy->has_acl ? blob_rule_count(&policy->blob) : 0;

	for (uint32_t i = 0; i < count; i++) {
		struct rule_info rule;

		if (blob_rule(&policy->blob, i, &rule) && rule.mitm_count != 0)
			return true;
	}
	return false;
}

void policy_warn(const struct policy *policy, int64_t now, expiry_say *say,
		 void *closure)
{
	if (policy->mint != NULL)
		mint_warn(policy->mint, now, say, closure);
	else if (has_mitm_domains(policy))
		say(closure, "the policy has mitm_domains, and there is no "
			     "mitm_ca_cert_file: those hosts will be denied");
}

void store_view_fini(struct store_view *view)
{
	policy_unref(&view->policy);
	view->generation = 0;
}
