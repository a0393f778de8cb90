/* context.c - see context.h. */
#include "context.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context-internal.h"
#include "name.h"
#include "oid.h"
#include "pki_file.h"

#define MAX_CHAIN_FILE (1u << 20)
#define DAY 86400

_Static_assert(TLS_CONTEXT_WHY_MAX >= ANCHORS_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= CRL_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= ROLE_WHY_MAX &&
		       TLS_CONTEXT_WHY_MAX >= PRIVATE_KEY_WHY_MAX,
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

/* --- our own certificate --- */

/* BODY, a certificate at LINE of PATH, becomes the next of our chain. */
static bool add_to_chain(struct tls_context *context, struct bytes body,
			 const char *path, size_t line, char *why)
{
	struct certificate certificate;
	enum trust trust;
	uint8_t *copy;

	if (context->chain_count == TLS_CONTEXT_MAX_CHAIN)
		return refuse(why, "%s:%zu: more than %d certificates", path,
			      line, TLS_CONTEXT_MAX_CHAIN);
	copy = malloc(body.n > 0 ? body.n : 1);
	if (copy == NULL)
		return refuse(why, "out of memory");
	if (body.n > 0)
		memcpy(copy, body.p, body.n);
	context->chain[context->chain_count++] =
		(br_x509_certificate){.data = copy, .data_len = body.n};
	trust = certificate_read(bytes_make(copy, body.n), &certificate);
	if (trust == TRUST_OK && context->chain_count == 1) {
		context->leaf = certificate;
		trust = certificate.key_trust;
	}
	if (trust != TRUST_OK)
		return refuse(why, "%s:%zu: the server's certificate: %s", path,
			      line, trust_text(trust));
	return true;
}

static bool load_chain(struct tls_context *context, const char *path, char *why)
{
	struct pki_file file;
	struct pem_object object;
	enum pem_result result;
	bool ok = true;

	if (!pki_file_open(&file, path, MAX_CHAIN_FILE, why,
			   TLS_CONTEXT_WHY_MAX))
		return false;
	while (ok && (result = pki_file_next(&file, &object)) != PEM_END) {
		if (result == PEM_ERROR)
			ok = refuse(why, "%s:%zu: %s", path, file.pem.line,
				    file.pem.why);
		else if (pki_file_is_certificate(&object))
			ok = add_to_chain(context, object.body, path,
					  object.line, why);
	}
	pki_file_close(&file);
	if (ok && context->chain_count == 0)
		ok = refuse(why, "%s: no certificate in it", path);
	return ok;
}

static bool load_key(struct tls_context *context,
		     const struct tls_options *options, char *why)
{
	const char *path = options->key_file != NULL ? options->key_file
						     : options->cert_file;
	enum trust trust;

	context->key = private_key_load(path, why);
	if (context->key == NULL)
		return false;
	trust = private_key_matches(context->key, &context->leaf.key);
	if (trust != TRUST_OK)
		return refuse(why, "%s: %s (the first one in %s)", path,
			      trust_text(trust), options->cert_file);
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
	if (!load_chain(context, options->cert_file, why) ||
	    !load_key(context, options, why) ||
	    !load_clients(context, options, now, why)) {
		tls_context_unref(&context);
		return false;
	}
	engine_template(context, options->require_client_cert);
	*out = context;
	return true;
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
	for (size_t i = 0; i < context->chain_count; i++)
		free(context->chain[i].data);
	for (size_t i = 0; i < context->name_count; i++)
		free(context->names[i].data);
	free(context->names);
	private_key_free(context->key);
	crl_set_fini(&context->crls);
	anchors_fini(&context->anchors);
	role_spec_fini(&context->spec);
	free(context);
}

/* --- warnings --- */

/* "CN=one, ..." is for others; the last CN names a CA well enough here. */
static const char *label(struct bytes subject, char out[ROLE_MAX + 1])
{
	struct name_cursor cursor = name_walk(subject);
	struct name_attribute attribute;
	size_t n = 0, size = 0;

	while (name_next(&cursor, &attribute))
		if (OID_IS(attribute.type, OID_COMMON_NAME) &&
		    name_text(attribute.tag, attribute.value, out, ROLE_MAX,
			      &size))
			n = size;
	out[n] = '\0';
	return n != 0 ? out : "without a CN";
}

static bool has_crl(const struct tls_context *context,
		    const struct certificate *ca)
{
	for (size_t i = 0; i < context->crls.count; i++)
		if (name_equal(context->crls.list[i].issuer, ca->subject))
			return true;
	return false;
}

static void warn_of_crls(const struct tls_context *context, int64_t now,
			 tls_context_say *say, void *closure)
{
	char text[2 * ROLE_MAX + 128], name[ROLE_MAX + 1];

	for (size_t i = 0; i < context->anchors.count; i++) {
		const struct certificate *ca =
			&context->anchors.list[i].certificate;

		if (!context->has_crls || !ca->ca || has_crl(context, ca))
			continue;
		snprintf(text, sizeof(text),
			 "no CRL for the client CA %s: its certificates count "
			 "as not revoked",
			 label(ca->subject, name));
		say(closure, text);
	}
	for (size_t i = 0; i < context->crls.count; i++) {
		const struct crl *crl = &context->crls.list[i];

		if (crl->next_update - now >= DAY)
			continue;
		snprintf(text, sizeof(text),
			 "the CRL of %s %s: without a newer one its clients "
			 "will be refused",
			 label(crl->issuer, name),
			 crl->next_update < now ? "is overdue"
						: "expires within a day");
		say(closure, text);
	}
}

void tls_context_warn(const struct tls_context *context, int64_t now,
		      tls_context_say *say, void *closure)
{
	const struct certificate *leaf = &context->leaf;

	if (leaf->not_after < now)
		say(closure, "the server's certificate has expired: clients "
			     "that check will refuse it");
	else if (leaf->not_after - now < DAY)
		say(closure, "the server's certificate expires within a day");
	if (leaf->not_before > now)
		say(closure, "the server's certificate is not valid yet: "
			     "clients that check will refuse it");
	warn_of_crls(context, now, say, closure);
}
