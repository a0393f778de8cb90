/* fuzz_chain.c - certificates, each behind two bytes of length; the first is
 * trusted, the others are presented.  Signatures are what a fuzzer cannot make,
 * so besides the chain as a whole its certificates are judged as a path in the
 * order that they have, as if every signature were right. */
#include <stdlib.h>
#include <string.h>

#include "runtime/tls/chain-internal.h"
#include "runtime/tls/constraints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static bool take(const uint8_t **data, size_t *size, struct bytes *out)
{
	size_t n;

	if (*size < 2)
		return false;
	n = (size_t)(*data)[0] << 8 | (*data)[1];
	*data += 2;
	*size -= 2;
	if (n > *size)
		n = *size;
	*out = bytes_make(*data, n);
	*data += n;
	*size -= n;
	return true;
}

static void judge(const struct anchors *anchors, const struct bytes *der,
		  size_t count)
{
	struct crl_set crls;
	struct chain_request request = {
		.anchors = anchors, .crls = &crls, .now = 1780000000};
	struct chain_result result;

	crl_set_init(&crls, 0);
	result = chain_check(der, count, &request);
	check(result.trust != TRUST_UNDECIDED);
	check(result.at <= count);
	if (result.trust == TRUST_OK) {
		check(result.depth >= 1 && result.depth <= CHAIN_MAX_DEPTH);
		check(result.expires >= request.now);
		check(!result.leaf.ca);
	}
	crl_set_fini(&crls);
}

static void judge_path(const struct anchors *anchors, const struct bytes *der,
		       size_t count)
{
	struct certificate certificates[CHAIN_MAX_CERTIFICATES];
	struct chain_request request = {.anchors = anchors, .now = 1780000000};
	struct path path = {.anchor = 0};
	struct path_verdict verdict;
	size_t work = CONSTRAINTS_MAX_WORK;

	if (count > CHAIN_MAX_CERTIFICATES)
		return;
	for (size_t i = 0; i < count; i++) {
		if (certificate_read(der[i], &certificates[i]) != TRUST_OK)
			return;
		path.certificates[path.depth++] = &certificates[i];
	}
	path.certificates[path.depth++] = &anchors->list[0].certificate;
	verdict = path_check(&path, &request, &work);
	check(verdict.trust != TRUST_UNDECIDED);
	check(verdict.trust != TRUST_OK || verdict.unchecked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes der[CHAIN_MAX_CERTIFICATES + 2];
	struct anchors anchors;
	size_t count = 0;

	while (count < sizeof(der) / sizeof(der[0]) &&
	       take(&data, &size, &der[count]))
		count++;
	anchors_init(&anchors);
	if (count > 0 && anchors_add(&anchors, der[0]) == TRUST_OK) {
		anchors_link(&anchors);
		judge(&anchors, der + 1, count - 1);
		judge_path(&anchors, der + 1, count - 1);
	}
	anchors_fini(&anchors);
	return 0;
}
