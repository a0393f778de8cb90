/* context.c - see context.h. */
#include "context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context-internal.h"
#include "sessions.h"
#include "verdicts.h"

_Static_assert(TLS_CONTEXT_WHY_MAX >= ANCHORS_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= CRL_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= ROLE_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= BUNDLE_WHY_MAX,
	       "who is called may fill it");

__attribute__((format(printf, 2, 3))) static bool
refuse(char *why, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, TLS_CONTEXT_WHY_MAX, format, ap);
	va_end(ap);
	return false;
}

/* --- our own certificates --- */

static bool load_bundles(struct tls_context *context,
			 const struct tls_options *options, char *why)
{
	const char *what = "the server's certificate";

	if (options->more_count >= TLS_CONTEXT_MAX_BUNDLES)
		return refuse(why, "more than %d certificates of the server",
			      TLS_CONTEXT_MAX_BUNDLES);
	context->bundles =
		calloc(options->more_count + 1, sizeof(*context->bundles));
	if (context->bundles == NULL)
		return refuse(why, "out of memory");
	context->bundle_count = 1;
	if (!bundle_load(&context->bundles[0], options->cert_file,
			 options->key_file, what, why))
		return false;
	for (size_t i = 0; i < options->more_count; i++)
		if (!bundle_load(&context->bundles[context->bundle_count++],
				 options->more_bundles[i], NULL, what, why))
			return false;
	return true;
}

/* --- clients --- */

static bool is_listed(const struct tls_context *context, struct bytes name)
{
	for (size_t i = 0; i < context->name_count; i++)
		if (bytes_equal(name, bytes_make(context->names[i].data,
						 context->names[i].len)))
			return true;
	return false;
}

/* BODY, of an RDNSequence, with its tag and length: OUT has room for 4 more. */
static size_t wrap_name(struct bytes body, uint8_t *out)
{
	size_t n = 0;

	out[n++] = DER_SEQUENCE;
	if (body.n >= 0x100) {
		out[n++] = 0x82;
		out[n++] = (uint8_t)(body.n >> 8);
	} else if (body.n >= 0x80) {
		out[n++] = 0x81;
	}
	out[n++] = (uint8_t)body.n;
	if (body.n > 0)
		memcpy(out + n, body.p, body.n);
	return n + body.n;
}

/* What clients choose their certificate by: the names of the CAs. */
static bool list_names(struct tls_context *context, char *why)
{
	const struct anchors *anchors = &context->anchors;
	size_t total = 0;

	context->names = calloc(anchors->count + 1, sizeof(*context->names));
	if (context->names == NULL)
		return refuse(why, "out of memory");
	for (size_t i = 0; i < anchors->count; i++) {
		struct bytes subject = anchors->list[i].certificate.subject;
		uint8_t *der;
		size_t n;

		if (subject.n > TLS_CONTEXT_MAX_NAMES)
			return refuse(why, "the name of a client CA is longer "
					   "than a handshake can tell");
		der = malloc(subject.n + 4);
		if (der == NULL)
			return refuse(why, "out of memory");
		n = wrap_name(subject, der);
		if (is_listed(context, bytes_make(der, n))) {
			free(der);
			continue;
		}
		context->names[context->name_count++] =
			(br_x500_name){.data = der, .len = n};
		total += n + 2;
		if (total > TLS_CONTEXT_MAX_NAMES)
			return refuse(why,
				      "the names of the client CAs are longer "
				      "than a handshake can tell: %d bytes",
				      TLS_CONTEXT_MAX_NAMES);
	}
	return true;
}

static bool load_crls(struct tls_context *context,
		      const struct tls_options *options, int64_t now, char *why)
{
	const struct anchors *anchors = &context->anchors;
	const struct certificate **issuers =
		calloc(anchors->count + 1, sizeof(*issuers));
	bool ok = true;

	if (issuers == NULL)
		return refuse(why, "out of memory");
	for (size_t i = 0; i < anchors->count; i++)
		issuers[i] = &anchors->list[i].certificate;
	for (size_t i = 0; ok && i < options->crl_count; i++)
		ok = crl_set_load(&context->crls, options->crl_files[i],
				  issuers, anchors->count, now, why);
	free(issuers);
	context->has_crls = options->crl_count != 0;
	return ok;
}

static bool load_clients(struct tls_context *context,
			 const struct tls_options *options, int64_t now,
			 char *why)
{
	const char *spec = options->role_from != NULL ? options->role_from
						      : ROLE_DEFAULT_SPEC;

	for (size_t i = 0; i < options->ca_count; i++)
		if (!anchors_load(&context->anchors, options->ca_files[i], why))
			return false;
	anchors_link(&context->anchors);
	if (!list_names(context, why) ||
	    !load_crls(context, options, now, why) ||
	    !role_spec_parse(spec, &context->spec, why))
		return false;
	context->spec.by_program = options->role_by_program;
	return true;
}

/* --- all of it --- */

static bool make_memories(struct tls_context *context, char *why)
{
	context->sessions = sessions_new(SESSIONS_MAX);
	context->verdicts = verdicts_new(VERDICTS_MAX);
	if (context->sessions == NULL || context->verdicts == NULL)
		return refuse(why, "out of memory");
	return true;
}

/* What would be silently without effect is a mistake. */
static bool check_options(const struct tls_options *options, char *why)
{
	if (options->cert_file == NULL && options->ca_count != 0)
		return refuse(why, "--tls-client-ca-file needs "
				   "--tls-server-bundle-file: without it "
				   "clients do not speak TLS");
	if (options->cert_file == NULL && options->require_client_cert)
		return refuse(why, "--require-client-cert needs "
				   "--tls-server-bundle-file and "
				   "--tls-client-ca-file");
	if (options->ca_count == 0 && options->require_client_cert)
		return refuse(why, "--require-client-cert needs "
				   "--tls-client-ca-file: which certificates "
				   "are good?");
	if (options->ca_count == 0 && options->crl_count != 0)
		return refuse(why, "--tls-crl-file needs "
				   "--tls-client-ca-file: whose certificates "
				   "are revoked?");
	if (options->ca_count == 0 && options->role_from != NULL)
		return refuse(why, "--role-from needs --tls-client-ca-file: "
				   "without it no client shows a certificate");
	if (options->role_by_program && options->role_from != NULL)
		return refuse(why, "--role-from has no effect: this program "
				   "says itself who has which role");
	if (options->cert_file == NULL && options->key_file != NULL)
		return refuse(why, "'tls' section requires 'cert_file'");
	return true;
}

bool tls_context_load(const struct tls_options *options, int64_t now,
		      struct tls_context **out, char *why)
{
	struct tls_context *context;

	*out = NULL;
	if (!check_options(options, why))
		return false;
	if (options->cert_file == NULL)
		return true;
	context = calloc(1, sizeof(*context));
	if (context == NULL)
		return refuse(why, "out of memory");
	atomic_init(&context->references, 1);
	anchors_init(&context->anchors);
	crl_set_init(&context->crls, options->crl_grace_ms / 1000);
	if (!load_bundles(context, options, why) ||
	    !load_clients(context, options, now, why) ||
	    !make_memories(context, why)) {
		tls_context_unref(&context);
		return false;
	}
	if (!expiry_gather(context)) {
		tls_context_unref(&context);
		return refuse(why, "out of memory");
	}
	engine_template(context, options->require_client_cert);
	*out = context;
	return true;
}

static bool same_anchors(const struct anchors *a, const struct anchors *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!bytes_equal(a->list[i].certificate.der,
				 b->list[i].certificate.der))
			return false;
	return true;
}

static bool same_crls(const struct crl_set *a, const struct crl_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!bytes_equal(a->list[i].der, b->list[i].der))
			return false;
	return true;
}

bool tls_context_judges_alike(const struct tls_context *old,
			      const struct tls_context *new)
{
	if (old == NULL || new == NULL)
		return old == new;
	return same_anchors(&old->anchors, &new->anchors) &&
	       same_crls(&old->crls, &new->crls);
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	atomic_fetch_add_explicit(&context->references, 1,
				  memory_order_relaxed);
	return context;
}

void tls_context_unref(struct tls_context **slot)
{
	struct tls_context *context = *slot;

	*slot = NULL;
	if (context == NULL ||
	    atomic_fetch_sub_explicit(&context->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < context->name_count; i++)
		free(context->names[i].data);
	free(context->names);
	free(context->expiries);
	lru_free(&context->sessions);
	lru_free(&context->verdicts);
	for (size_t i = 0; i < context->bundle_count; i++)
		bundle_fini(&context->bundles[i]);
	free(context->bundles);
	crl_set_fini(&context->crls);
	anchors_fini(&context->anchors);
	role_spec_fini(&context->spec);
	free(context);
}
