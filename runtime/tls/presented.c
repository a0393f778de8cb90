/* presented.c - see presented.h. */
#include "presented.h"

#include <stdlib.h>
#include <string.h>

static struct presented *from_x509(const br_x509_class *const *vtable)
{
	return (struct presented *)((uintptr_t)vtable -
				    offsetof(struct presented, vtable));
}

static void start_chain(const br_x509_class **ctx, const char *name)
{
	struct presented *it = from_x509(ctx);

	(void)name;
	it->trust = TRUST_UNDECIDED;
	it->count = 0;
	it->der_size = 0;
}

static void refuse(struct presented *it, enum trust trust)
{
	if (it->trust == TRUST_UNDECIDED)
		it->trust = trust;
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct presented *it = from_x509(ctx);
	size_t need;
	uint8_t *grown;

	if (it->count == CHAIN_MAX_CERTIFICATES) {
		refuse(it, TRUST_TOO_MANY);
		return;
	}
	if (length > CHAIN_MAX_BYTES - it->der_size) {
		refuse(it, TRUST_TOO_BIG);
		return;
	}
	it->lengths[it->count++] = 0;
	need = it->der_size + length;
	if (need <= it->der_room)
		return;
	grown = realloc(it->der, need);
	if (grown == NULL) {
		refuse(it, TRUST_NO_MEMORY);
		return;
	}
	it->der = grown;
	it->der_room = need;
}

static void append(const br_x509_class **ctx, const unsigned char *bytes,
		   size_t size)
{
	struct presented *it = from_x509(ctx);

	if (it->trust != TRUST_UNDECIDED || size == 0)
		return;
	if (it->count == 0 || size > it->der_room - it->der_size) {
		refuse(it, TRUST_TOO_BIG);
		return;
	}
	memcpy(it->der + it->der_size, bytes, size);
	it->der_size += size;
	it->lengths[it->count - 1] += size;
}

static void end_cert(const br_x509_class **ctx)
{
	(void)ctx;
}

/* The key by which the peer proves, in the rest of the handshake, that the
 * certificate is its own. */
static void set_key(struct presented *it, const struct public_key *key)
{
	/* BearSSL's types know no const, and it writes to none of this */
	if (key->kind == KEY_RSA) {
		it->key.key_type = BR_KEYTYPE_RSA;
		it->key.key.rsa = (br_rsa_public_key){
			.n = (unsigned char *)(uintptr_t)key->modulus.p,
			.nlen = key->modulus.n,
			.e = (unsigned char *)(uintptr_t)key->exponent.p,
			.elen = key->exponent.n,
		};
	} else {
		it->key.key_type = BR_KEYTYPE_EC;
		it->key.key.ec = (br_ec_public_key){
			.curve = key->curve,
			.q = (unsigned char *)(uintptr_t)key->point.p,
			.qlen = key->point.n,
		};
	}
}

static enum trust judge(struct presented *it)
{
	struct bytes chain[CHAIN_MAX_CERTIFICATES];
	struct certificate leaf;
	const uint8_t *at = it->der;
	enum trust trust;

	for (size_t i = 0; i < it->count; i++) {
		chain[i] = bytes_make(at, it->lengths[i]);
		at += it->lengths[i];
	}
	trust = it->judge(it->closure, chain, it->count, &leaf);
	if (trust == TRUST_OK)
		set_key(it, &leaf.key);
	return trust;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct presented *it = from_x509(ctx);

	if (it->trust == TRUST_UNDECIDED)
		it->trust = judge(it);
	it->proved = it->trust == TRUST_OK;
	return it->proved ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx,
				    unsigned *usages)
{
	struct presented *it = from_x509(ctx);

	if (!it->proved)
		return NULL;
	if (usages != NULL)
		*usages = BR_KEYTYPE_SIGN;
	return &it->key;
}

static const br_x509_class judged_by_us = {
	.context_size = sizeof(const br_x509_class *),
	.start_chain = start_chain,
	.start_cert = start_cert,
	.append = append,
	.end_cert = end_cert,
	.end_chain = end_chain,
	.get_pkey = get_pkey,
};

void presented_init(struct presented *presented, presented_judge *judge_it,
		    void *closure)
{
	*presented = (struct presented){.vtable = &judged_by_us,
					.judge = judge_it,
					.closure = closure,
					.trust = TRUST_OK};
}

void presented_fini(struct presented *presented)
{
	free(presented->der);
	presented->der = NULL;
}
