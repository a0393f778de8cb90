/* constraints.c - see constraints.h. */
#include "constraints.h"

#include "name.h"
#include "oid.h"
#include "runtime/policy/str.h"

enum match { MATCH_UNCLEAR = 0, MATCH_NO, MATCH_YES };

#define MAX_HOST 253

static struct str text_of(struct bytes bytes)
{
	return str_make((const char *)bytes.p, bytes.n);
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool same_text(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (small(a.p[i]) != small(b.p[i]))
			return false;
	return true;
}

static bool ends_with(struct str text, struct str tail)
{
	return text.n >= tail.n &&
	       same_text(str_make(text.p + text.n - tail.n, tail.n), tail);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_host_letter(char c)
{
	return is_digit(c) || (small(c) >= 'a' && small(c) <= 'z') ||
	       c == '-' || c == '_';
}

/* Labels of letters, digits, '-' and '_', none empty.  The last is not a
 * number: that would be an address. */
static bool is_host(struct str name)
{
	size_t label = 0;
	bool number = true;

	if (name.n == 0 || name.n > MAX_HOST)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
			number = true;
			continue;
		}
		if (!is_host_letter(name.p[i]))
			return false;
		number = number && is_digit(name.p[i]);
		label++;
	}
	return label > 0 && !number;
}

/* NAME is BASE, or has more labels before it. */
static bool host_within(struct str name, struct str base)
{
	return ends_with(name, base) &&
	       (name.n == base.n || name.p[name.n - base.n - 1] == '.');
}

/* --- one form each: NAME against the BASE of a subtree --- */

static enum match match_dns(struct bytes name, struct bytes base, bool excluded)
{
	struct str host = text_of(name);
	struct str top = text_of(base);
	bool wildcard = host.n > 2 && host.p[0] == '*' && host.p[1] == '.';

	if (wildcard)
		host = str_make(host.p + 2, host.n - 2);
	if (!is_host(host) || (top.n > 0 && !is_host(top)))
		return MATCH_UNCLEAR;
	if (top.n == 0 || host_within(host, top))
		return MATCH_YES;
	/* "*.a.test" takes in "b.a.test", should that be excluded.  But for
	 * permission "*.a.test" is not within "b.a.test". */
	if (wildcard && excluded && host_within(top, host))
		return MATCH_YES;
	return MATCH_NO;
}

/* A host of an e-mail address or a URI: BASE is the host itself, or with a
 * leading dot whatever is below it. */
static enum match match_host(struct str host, struct str base)
{
	bool below = base.n > 0 && base.p[0] == '.';
	struct str top = below ? str_make(base.p + 1, base.n - 1) : base;

	if (!is_host(host) || !is_host(top))
		return MATCH_UNCLEAR;
	if (below)
		return ends_with(host, base) && host.n > base.n ? MATCH_YES
								: MATCH_NO;
	return same_text(host, top) ? MATCH_YES : MATCH_NO;
}

static bool split_mailbox(struct str address, struct str *local,
			  struct str *host)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	if (at < 2 || at == address.n)
		return false;
	*local = str_make(address.p, at - 1);
	*host = str_make(address.p + at, address.n - at);
	/* A quoted local part may have an '@' in it: nobody needs that. */
	return memchr(local->p, '@', local->n) == NULL &&
	       memchr(local->p, '"', local->n) == NULL;
}

static enum match match_email(struct bytes name, struct bytes base,
			      bool excluded)
{
	struct str local, host, base_local, base_host;
	struct str top = text_of(base);
	enum match hosts;

	if (!split_mailbox(text_of(name), &local, &host))
		return MATCH_UNCLEAR;
	if (top.n == 0)
		return MATCH_YES;
	if (memchr(top.p, '@', top.n) == NULL)
		return match_host(host, top);
	if (!split_mailbox(top, &base_local, &base_host) ||
	    base_host.p[0] == '.')
		return MATCH_UNCLEAR;
	hosts = match_host(host, base_host);
	if (hosts != MATCH_YES)
		return hosts;
	/* The local part has case, but hosts seldom care. */
	if (excluded ? same_text(local, base_local)
		     : str_equal(local, base_local))
		return MATCH_YES;
	return MATCH_NO;
}

/* The host of scheme://user@host:port/..., which is where RFC 5280 looks. */
static bool host_of_uri(struct str uri, struct str *host)
{
	const char *colon = memchr(uri.p, ':', uri.n);
	size_t start;
	size_t end;

	if (colon == NULL || colon == uri.p)
		return false;
	start = (size_t)(colon - uri.p) + 1;
	if (uri.n - start < 2 || uri.p[start] != '/' || uri.p[start + 1] != '/')
		return false;
	start += 2;
	end = start;
	while (end < uri.n && uri.p[end] != '/' && uri.p[end] != '?' &&
	       uri.p[end] != '#') {
		/* Some programs take it for a slash. */
		if (uri.p[end] == '\\')
			return false;
		end++;
	}
	for (size_t i = start; i < end; i++)
		if (uri.p[i] == '@')
			start = i + 1;
	for (size_t i = start; i < end; i++)
		if (uri.p[i] == ':')
			end = i;
	*host = str_make(uri.p + start, end - start);
	return true;
}

static enum match match_uri(struct bytes name, struct bytes base, bool excluded)
{
	struct str host;

	(void)excluded;
	if (!host_of_uri(text_of(name), &host))
		return MATCH_UNCLEAR;
	return match_host(host, text_of(base));
}

static enum match match_ip(struct bytes name, struct bytes base, bool excluded)
{
	bool zeros = false;

	(void)excluded;
	if (base.n != 8 && base.n != 32)
		return MATCH_UNCLEAR;
	/* The mask is ones, then zeros. */
	for (size_t i = 0; i < base.n * 4; i++) {
		bool one = base.p[base.n / 2 + i / 8] >> (7 - i % 8) & 1;

		if (one && zeros)
			return MATCH_UNCLEAR;
		zeros = zeros || !one;
	}
	if (name.n * 2 != base.n)
		return MATCH_NO;
	for (size_t i = 0; i < name.n; i++)
		if ((name.p[i] ^ base.p[i]) & base.p[name.n + i])
			return MATCH_NO;
	return MATCH_YES;
}

static enum match match_directory(struct bytes name, struct bytes base,
				  bool excluded)
{
	return name_within(name, base, excluded) ? MATCH_YES : MATCH_NO;
}

/* Others than these cannot be judged. */
static enum match (*const match[GENERAL_KINDS])(struct bytes name,
						struct bytes base,
						bool excluded) = {
	[GENERAL_EMAIL] = match_email, [GENERAL_DNS] = match_dns,
	[GENERAL_URI] = match_uri,     [GENERAL_DIRECTORY] = match_directory,
	[GENERAL_IP] = match_ip,
};

/* --- one name against all subtrees of its form --- */

struct outcome {
	bool any;     /* there is a subtree of this form */
	bool matches; /* one of them */
	bool unclear;
};

static enum trust try_subtrees(struct bytes subtrees, enum general_name kind,
			       struct bytes name, bool excluded, size_t *work,
			       struct outcome *out)
{
	*out = (struct outcome){0};
	while (subtrees.n > 0) {
		enum general_name form;
		struct bytes subtree;
		struct bytes base;

		size_t cost;

		if (!der_expect(&subtrees, DER_SEQUENCE, &subtree) ||
		    !general_name_next(&subtree, &form, &base))
			return TRUST_CONSTRAINT_FORM;
		cost = 1 + (name.n + base.n) / CONSTRAINTS_UNIT;
		if (*work < cost)
			return TRUST_TOO_COMPLEX;
		*work -= cost;
		if (form != kind)
			continue;
		out->any = true;
		if (match[kind] == NULL) {
			out->unclear = true;
			continue;
		}
		switch (match[kind](name, base, excluded)) {
		case MATCH_UNCLEAR:
			out->unclear = true;
			break;
		case MATCH_YES:
			out->matches = true;
			break;
		case MATCH_NO:
			break;
		}
	}
	return TRUST_OK;
}

static enum trust check_name(enum general_name kind, struct bytes name,
			     const struct certificate *ca, size_t *work)
{
	struct outcome permitted;
	struct outcome excluded;
	enum trust trust;

	if ((trust = try_subtrees(ca->permitted, kind, name, false, work,
				  &permitted)) != TRUST_OK ||
	    (trust = try_subtrees(ca->excluded, kind, name, true, work,
				  &excluded)) != TRUST_OK)
		return trust;
	if (permitted.unclear || excluded.unclear)
		return TRUST_CONSTRAINT_FORM;
	if (excluded.matches || (permitted.any && !permitted.matches))
		return TRUST_CONSTRAINT;
	return TRUST_OK;
}

/* Addresses that old certificates have in the subject instead of outside. */
static enum trust check_subject_emails(const struct certificate *below,
				       const struct certificate *ca,
				       size_t *work)
{
	struct name_cursor cursor = name_walk(below->subject);
	struct name_attribute attribute;

	while (name_next(&cursor, &attribute)) {
		enum trust trust;

		if (!OID_IS(attribute.type, OID_EMAIL_ADDRESS))
			continue;
		trust = check_name(GENERAL_EMAIL, attribute.value, ca, work);
		if (trust != TRUST_OK)
			return trust;
	}
	return TRUST_OK;
}

enum trust constraints_check(const struct certificate *below,
			     const struct certificate *ca, size_t *work)
{
	struct bytes rest = below->alt_names;
	enum general_name kind;
	struct bytes name;
	enum trust trust;

	if (!(ca->extensions & HAS_NAME_CONSTRAINTS))
		return TRUST_OK;
	if (below->subject.n > 0 &&
	    (trust = check_name(GENERAL_DIRECTORY, below->subject, ca, work)) !=
		    TRUST_OK)
		return trust;
	trust = check_subject_emails(below, ca, work);
	while (trust == TRUST_OK && general_name_next(&rest, &kind, &name))
		trust = check_name(kind, name, ca, work);
	return trust;
}
