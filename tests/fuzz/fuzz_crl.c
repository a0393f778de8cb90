/* fuzz_crl.c - one CRL in DER: every serial number in it is found again. */
#include <stdlib.h>

#include "runtime/tls/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl crl;
	enum trust trust = crl_read(bytes_make(data, size), &crl);

	check(trust != TRUST_UNDECIDED);
	if (trust != TRUST_OK) {
		check(crl.serials == NULL);
		return 0;
	}
	for (size_t i = 0; i < crl.count; i++) {
		const uint8_t *serial = data + crl.serials[i];

		check(crl.serials[i] < size && serial[0] == DER_INTEGER);
		check(crl_has(&crl, bytes_make(serial + 2, serial[1])));
	}
	check(!crl_has(&crl, bytes_make((const uint8_t *)"", 0)));
	crl_fini(&crl);
	return 0;
}
