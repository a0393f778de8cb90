/* fuzz_key.c - a private key in DER, and whether it belongs to a public one. */
#include <stdlib.h>

#include <bearssl.h>

#include "runtime/tls/private_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct private_key *key;
	enum trust trust = private_key_read(bytes_make(data, size), &key);
	struct public_key public = {.kind = KEY_NONE};

	check((trust == TRUST_OK) == (key != NULL));
	if (key == NULL)
		return 0;
	public.kind = private_key_kind(key);
	public.curve = BR_EC_secp256r1;
	check(public.kind == KEY_RSA || public.kind == KEY_EC);
	/* No key has an empty other half. */
	check(private_key_matches(key, &public) == TRUST_SECRET_MISMATCH);
	private_key_free(key);
	return 0;
}
