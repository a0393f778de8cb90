/* expiry.c - see expiry.h. */
#include "expiry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context-internal.h"
#include "name.h"
#include "oid.h"

/* --- what there is --- */

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
	if (n == 0)
		snprintf(out, ROLE_MAX + 1, "without a CN");
	return out;
}

static int compare(const void *a, const void *b)
{
	const struct expiry *one = a, *other = b;
	int order = strcmp(one->issuer, other->issuer);

	if (one->is_crl != other->is_crl)
		return one->is_crl ? 1 : -1;
	if (order != 0)
		return order;
	return one->at < other->at ? -1 : one->at > other->at;
}

/* The only one needs no name. */
static const char *file_of(const struct tls_context *context, size_t bundle)
{
	return context->bundle_count > 1 ? context->bundles[bundle].path : NULL;
}

/* see expiry.h */
bool expiry_gather(struct tls_context *context)
{
	const struct crl_set *crls = &context->crls;
	size_t ours = context->bundle_count;
	struct expiry *list = calloc(crls->count + ours, sizeof(*list));

	if (list == NULL)
		return false;
	for (size_t i = 0; i < ours; i++) {
		list[i].file = file_of(context, i);
		list[i].at = context->bundles[i].leaf.not_after;
	}
	for (size_t i = 0; i < crls->count; i++) {
		list[ours + i].is_crl = true;
		list[ours + i].at = crls->list[i].next_update;
		label(crls->list[i].issuer, list[ours + i].issuer);
	}
	context->expiries = list;
	context->expiry_count = crls->count + ours;
	qsort(list, context->expiry_count, sizeof(*list), compare);
	return true;
}

/* see expiry.h */
const struct expiry *expiry_list(const struct tls_context *context,
				 size_t *count)
{
	*count = context->expiry_count;
	return context->expiries;
}

/* --- saying so --- */

enum state { STATE_GOOD, STATE_SOON, STATE_OVER };

static enum state state_of(const struct expiry *expiry, int64_t now)
{
	if (now > expiry->at)
		return STATE_OVER;
	return expiry->at - now < EXPIRY_AHEAD ? STATE_SOON : STATE_GOOD;
}

static void say_certificate(const char *file, const char *what, expiry_say *say,
			    void *closure)
{
	char text[2 * PATH_MAX];

	snprintf(text, sizeof(text), "the server's certificate%s%s %s",
		 file != NULL ? " in " : "", file != NULL ? file : "", what);
	say(closure, text);
}

static void say_state(const struct expiry *expiry, enum state state,
		      expiry_say *say, void *closure)
{
	char text[ROLE_MAX + 128];

	if (state == STATE_GOOD)
		return;
	if (!expiry->is_crl) {
		say_certificate(expiry->file,
				state == STATE_OVER
					? "has expired: clients that check "
					  "will refuse it"
					: "expires within a day",
				say, closure);
		return;
	}
	snprintf(text, sizeof(text),
		 "the CRL of %s %s: without a newer one its clients will be "
		 "refused",
		 expiry->issuer,
		 state == STATE_OVER ? "is overdue" : "expires within a day");
	say(closure, text);
}

static bool has_crl(const struct tls_context *context,
		    const struct certificate *ca)
{
	for (size_t i = 0; i < context->crls.count; i++)
		if (name_equal(context->crls.list[i].issuer, ca->subject))
			return true;
	return false;
}

static void warn_of_missing_crls(const struct tls_context *context,
				 expiry_say *say, void *closure)
{
	char text[ROLE_MAX + 128], name[ROLE_MAX + 1];

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
}

/* see expiry.h */
void expiry_warn(const struct tls_context *context, int64_t now,
		 expiry_say *say, void *closure)
{
	for (size_t i = 0; i < context->bundle_count; i++)
		if (context->bundles[i].leaf.not_before > now)
			say_certificate(file_of(context, i),
					"is not valid yet: clients that check "
					"will refuse it",
					say, closure);
	warn_of_missing_crls(context, say, closure);
	for (size_t i = 0; i < context->expiry_count; i++)
		say_state(&context->expiries[i],
			  state_of(&context->expiries[i], now), say, closure);
}

/* see expiry.h */
void expiry_warn_since(const struct tls_context *context, int64_t then,
		       int64_t now, expiry_say *say, void *closure)
{
	for (size_t i = 0; i < context->expiry_count; i++) {
		const struct expiry *expiry = &context->expiries[i];
		enum state state = state_of(expiry, now);

		if (state > state_of(expiry, then))
			say_state(expiry, state, say, closure);
	}
}

/* see expiry.h */
int64_t expiry_next(const struct tls_context *context, int64_t now)
{
	int64_t next = INT64_MAX, at;

	for (size_t i = 0; i < context->expiry_count; i++) {
		const struct expiry *expiry = &context->expiries[i];

		switch (state_of(expiry, now)) {
		case STATE_GOOD:
			at = expiry->at - EXPIRY_AHEAD + 1;
			break;
		case STATE_SOON:
			at = expiry->at + 1;
			break;
		case STATE_OVER:
		default:
			continue;
		}
		next = at < next ? at : next;
	}
	return next;
}
