/* test_chain.c - chains: every byte of them matters, every second of their
 * validity, and BearSSL's own validator never refuses what is accepted here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <bearssl.h>

#include "data/pki.inc"
#include "page_end.h"
#include "runtime/tls/chain.h"
#include "runtime/tls/trust.h"

#define BYTES(array) bytes_make(array, sizeof(array))
#define NOW 1780272000 /* 2026-06-01 */

static struct anchors anchors;

static int setup(void **state)
{
	(void)state;
	anchors_init(&anchors);
	if (anchors_add(&anchors, BYTES(pki_root)) != TRUST_OK)
		return -1;
	anchors_link(&anchors);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	anchors_fini(&anchors);
	return 0;
}

static struct chain_result judge(struct bytes leaf, struct bytes middle,
				 const struct crl_set *crls, int64_t now)
{
	struct bytes der[] = {leaf, middle};
	struct chain_request request = {
		.anchors = &anchors, .crls = crls, .now = now};

	return chain_check(der, 2, &request);
}

static void test_good(void **state)
{
	struct chain_result result =
		judge(BYTES(pki_web), BYTES(pki_middle), NULL, NOW);

	(void)state;
	assert_int_equal(result.trust, TRUST_OK);
	assert_int_equal(result.depth, 3);
	assert_true(result.unchecked);
	assert_true(result.expires == result.leaf.not_after);
	assert_true(bytes_equal(result.leaf.der, BYTES(pki_web)));
}

static void test_seconds(void **state)
{
	struct certificate web;

	(void)state;
	assert_int_equal(certificate_read(BYTES(pki_web), &web), TRUST_OK);
	assert_int_equal(
		judge(web.der, BYTES(pki_middle), NULL, web.not_before).trust,
		TRUST_OK);
	assert_int_equal(
		judge(web.der, BYTES(pki_middle), NULL, web.not_before - 1)
			.trust,
		TRUST_NOT_YET_VALID);
	assert_int_equal(
		judge(web.der, BYTES(pki_middle), NULL, web.not_after).trust,
		TRUST_OK);
	assert_int_equal(
		judge(web.der, BYTES(pki_middle), NULL, web.not_after + 1)
			.trust,
		TRUST_EXPIRED);
}

static void test_purposes(void **state)
{
	struct bytes der[] = {BYTES(pki_web), BYTES(pki_middle)};
	struct chain_request request = {
		.anchors = &anchors, .now = NOW, .purpose = CHAIN_SERVER};

	(void)state;
	assert_int_equal(chain_check(der, 2, &request).trust, TRUST_PURPOSE);
}

static void test_nothing(void **state)
{
	struct chain_request request = {.anchors = &anchors, .now = NOW};
	struct chain_result zero = {0};

	(void)state;
	assert_int_not_equal(chain_check(NULL, 0, &request).trust, TRUST_OK);
	assert_int_not_equal(zero.trust, TRUST_OK);
}

/* --- against BearSSL --- */

/* BearSSL's verdict on LEAF and MIDDLE: 0 is good. */
static unsigned oracle(struct bytes leaf, struct bytes middle)
{
	static uint8_t dn[256];
	static size_t dn_size;
	const struct certificate *root = &anchors.list[0].certificate;
	br_x509_trust_anchor anchor = {0};
	br_x509_minimal_context context;
	const br_x509_class **class = &context.vtable;
	const struct bytes chain[] = {leaf, middle};
	uint8_t point[65];

	/* The whole SEQUENCE: its body is short. */
	assert_true(root->subject.n < 128);
	dn[0] = DER_SEQUENCE;
	dn[1] = (uint8_t)root->subject.n;
	memcpy(dn + 2, root->subject.p, root->subject.n);
	dn_size = root->subject.n + 2;
	memcpy(point, root->key.point.p, sizeof(point));
	anchor.dn.data = dn;
	anchor.dn.len = dn_size;
	anchor.flags = BR_X509_TA_CA;
	anchor.pkey.key_type = BR_KEYTYPE_EC;
	anchor.pkey.key.ec.curve = root->key.curve;
	anchor.pkey.key.ec.q = point;
	anchor.pkey.key.ec.qlen = sizeof(point);
	br_x509_minimal_init(&context, &br_sha256_vtable, &anchor, 1);
	br_x509_minimal_set_hash(&context, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&context, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&context, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_ecdsa(&context, br_ec_get_default(),
				  br_ecdsa_vrfy_asn1_get_default());
	br_x509_minimal_set_rsa(&context, br_rsa_pkcs1_vrfy_get_default());
	br_x509_minimal_set_time(&context, (uint32_t)(NOW / 86400 + 719528),
				 NOW % 86400);
	(*class)->start_chain(class, NULL);
	for (size_t i = 0; i < 2; i++) {
		(*class)->start_cert(class, (uint32_t)chain[i].n);
		(*class)->append(class, chain[i].p, chain[i].n);
		(*class)->end_cert(class);
	}
	return (*class)->end_chain(class);
}

/* Change each byte of DER in turn, which is the client's certificate or the
 * intermediate's.  ECDSA binds every byte, so nothing is ever accepted; and if
 * it were, BearSSL would have to accept it too. */
static void change_every_byte(struct bytes der, bool is_leaf)
{
	uint8_t *copy = malloc(der.n);

	for (size_t i = 0; i < der.n; i++) {
		struct page_end page;
		struct bytes leaf = BYTES(pki_web);
		struct bytes middle = BYTES(pki_middle);
		enum trust trust;

		memcpy(copy, der.p, der.n);
		copy[i] ^= (uint8_t)(1u << i % 8);
		page = page_end_copy(copy, der.n);
		*(is_leaf ? &leaf : &middle) = bytes_make(page.bytes, der.n);
		trust = judge(leaf, middle, NULL, NOW).trust;
		if (trust == TRUST_OK)
			assert_int_equal(oracle(leaf, middle), 0);
		assert_int_not_equal(trust, TRUST_OK);
		assert_int_not_equal(trust, TRUST_UNDECIDED);
		page_end_free(&page);
	}
	free(copy);
}

static void test_every_byte(void **state)
{
	(void)state;
	assert_int_equal(oracle(BYTES(pki_web), BYTES(pki_middle)), 0);
	change_every_byte(BYTES(pki_web), true);
	change_every_byte(BYTES(pki_middle), false);
}

static void test_every_length(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(pki_web); n++) {
		struct page_end page = page_end_copy(pki_web, n);

		assert_int_not_equal(judge(bytes_make(page.bytes, n),
					   BYTES(pki_middle), NULL, NOW)
					     .trust,
				     TRUST_OK);
		page_end_free(&page);
	}
}

/* --- CRLs --- */

static void test_revocation(void **state)
{
	const struct certificate *issuers[1];
	struct certificate middle;
	struct crl_set crls;
	struct chain_result result;

	(void)state;
	assert_int_equal(certificate_read(BYTES(pki_middle), &middle),
			 TRUST_OK);
	issuers[0] = &middle;
	crl_set_init(&crls, 3600);
	assert_int_equal(
		crl_set_add(&crls, BYTES(pki_crl_others), issuers, 1, NOW),
		TRUST_OK);
	result = judge(BYTES(pki_web), BYTES(pki_middle), &crls, NOW);
	assert_int_equal(result.trust, TRUST_OK);
	assert_true(result.expires == crls.list[0].next_update + 3600);
	/* The grace, to the second. */
	assert_int_equal(
		judge(BYTES(pki_web), BYTES(pki_middle), &crls, result.expires)
			.trust,
		TRUST_OK);
	assert_int_equal(judge(BYTES(pki_web), BYTES(pki_middle), &crls,
			       result.expires + 1)
				 .trust,
			 TRUST_CRL_EXPIRED);
	crl_set_fini(&crls);
	assert_int_equal(
		crl_set_add(&crls, BYTES(pki_crl_web), issuers, 1, NOW),
		TRUST_OK);
	result = judge(BYTES(pki_web), BYTES(pki_middle), &crls, NOW);
	assert_int_equal(result.trust, TRUST_REVOKED);
	assert_int_equal(result.at, 0);
	crl_set_fini(&crls);
	/* Nobody has signed it. */
	assert_int_equal(
		crl_set_add(&crls, BYTES(pki_crl_web), issuers, 0, NOW),
		TRUST_CRL_ISSUER);
	assert_int_equal(crls.count, 0);
	crl_set_fini(&crls);
}

/* When a list is taken: its grace, and the clocks of others, to the second. */
static void test_dates_of_a_crl(void **state)
{
	const struct certificate *issuers[1];
	struct certificate middle;
	struct crl_set crls;
	struct crl crl;

	(void)state;
	assert_int_equal(certificate_read(BYTES(pki_middle), &middle),
			 TRUST_OK);
	issuers[0] = &middle;
	assert_int_equal(crl_read(BYTES(pki_crl_web), &crl), TRUST_OK);
	const struct {
		int64_t now;
		enum trust trust;
	} cases[] = {
		{crl.this_update - CRL_MAX_SKEW - 1, TRUST_CRL_FUTURE},
		{crl.this_update - CRL_MAX_SKEW, TRUST_OK},
		{crl.next_update + 60, TRUST_OK},
		{crl.next_update + 61, TRUST_CRL_STALE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		crl_set_init(&crls, 60);
		assert_int_equal(crl_set_add(&crls, BYTES(pki_crl_web), issuers,
					     1, cases[i].now),
				 cases[i].trust);
		assert_int_equal(crls.count, cases[i].trust == TRUST_OK);
		crl_set_fini(&crls);
	}
	crl_fini(&crl);
}

static void test_every_byte_of_a_crl(void **state)
{
	const struct certificate *issuers[1];
	struct certificate middle;
	struct crl_set crls;
	uint8_t *copy = malloc(sizeof(pki_crl_web));

	(void)state;
	assert_int_equal(certificate_read(BYTES(pki_middle), &middle),
			 TRUST_OK);
	issuers[0] = &middle;
	crl_set_init(&crls, 0);
	for (size_t i = 0; i < sizeof(pki_crl_web); i++) {
		struct page_end page;

		memcpy(copy, pki_crl_web, sizeof(pki_crl_web));
		copy[i] ^= (uint8_t)(1u << i % 8);
		page = page_end_copy(copy, sizeof(pki_crl_web));
		assert_int_not_equal(
			crl_set_add(&crls,
				    bytes_make(page.bytes, sizeof(pki_crl_web)),
				    issuers, 1, NOW),
			TRUST_OK);
		page_end_free(&page);
	}
	assert_int_equal(crls.count, 0);
	free(copy);
}

/* --- words --- */

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(trust_name(TRUST_EXPIRED), "EXPIRED");
	assert_string_equal(trust_text(TRUST_EXPIRED), "it has expired");
	assert_int_equal(trust_alert(TRUST_EXPIRED), 45);
	assert_int_equal(trust_alert(TRUST_REVOKED), 44);
	assert_int_equal(trust_alert(TRUST_UNKNOWN_CA), 48);
	assert_int_equal(trust_alert(TRUST_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_purposes),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_revocation),
		cmocka_unit_test(test_dates_of_a_crl),
		cmocka_unit_test(test_every_byte_of_a_crl),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("chain", tests, setup, teardown);
}
