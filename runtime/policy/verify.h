/* verify.h - everything that lookups take for granted, proved once.  Each
 * failure has a static text that says what is wrong and where. */
#ifndef POLICY_VERIFY_H
#define POLICY_VERIFY_H

#include "blob.h"

/* Verify the LENGTH bytes at BYTES and fill BLOB's views.  On any answer but
 * BLOB_OK only blob->damage means something.  Linear in LENGTH; terminates on
 * any input. */
enum blob_error blob_verify(struct blob *blob, const uint8_t *bytes,
			    size_t length);

/* The parts, each after those before it: NULL, or what is wrong. */
const char *verify_postings(const struct blob *blob);
const char *verify_hosts(const struct blob *blob);
const char *verify_rules(const struct blob *blob);
const char *verify_mitm(const struct blob *blob);
const char *verify_ranges(const struct blob *blob);
const char *verify_source_map(const struct blob *blob);

#endif
