/* oid.h - the object identifiers that are known here, as DER bodies. */
#ifndef TLS_OID_H
#define TLS_OID_H

#include "der.h"

#define OID(text)                                                              \
	{                                                                      \
		(const uint8_t *)(text), sizeof(text) - 1                      \
	}
#define OID_IS(body, oid) bytes_equal(body, (struct bytes)oid)

/* Public keys and curves (RFC 3279, 5480, 8410). */
#define OID_RSA                                                                \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01") /* 1.2.840.113549.1.1.1 */
#define OID_EC OID("\x2A\x86\x48\xCE\x3D\x02\x01")  /* 1.2.840.10045.2.1 */
#define OID_P256                                                               \
	OID("\x2A\x86\x48\xCE\x3D\x03\x01\x07") /* 1.2.840.10045.3.1.7 */
#define OID_P384 OID("\x2B\x81\x04\x00\x22")    /* 1.3.132.0.34 */
#define OID_P521 OID("\x2B\x81\x04\x00\x23")    /* 1.3.132.0.35 */
#define OID_ED25519 OID("\x2B\x65\x70")         /* 1.3.101.112 */
#define OID_ED448 OID("\x2B\x65\x71")           /* 1.3.101.113 */

/* Signatures (RFC 4055, 5758). */
#define OID_RSA_MD5                                                            \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x04") /* 1.2.840.113549.1.1.4 */
#define OID_RSA_SHA1                                                           \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05") /* 1.2.840.113549.1.1.5 */
#define OID_RSA_PSS                                                            \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A") /* 1.2.840.113549.1.1.10   \
						     */
#define OID_RSA_SHA256                                                         \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B") /* 1.2.840.113549.1.1.11   \
						     */
#define OID_RSA_SHA384                                                         \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0C") /* 1.2.840.113549.1.1.12   \
						     */
#define OID_RSA_SHA512                                                         \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0D") /* 1.2.840.113549.1.1.13   \
						     */
#define OID_ECDSA_SHA1                                                         \
	OID("\x2A\x86\x48\xCE\x3D\x04\x01") /* 1.2.840.10045.4.1 */
#define OID_ECDSA_SHA256                                                       \
	OID("\x2A\x86\x48\xCE\x3D\x04\x03\x02") /* 1.2.840.10045.4.3.2 */
#define OID_ECDSA_SHA384                                                       \
	OID("\x2A\x86\x48\xCE\x3D\x04\x03\x03") /* 1.2.840.10045.4.3.3 */
#define OID_ECDSA_SHA512                                                       \
	OID("\x2A\x86\x48\xCE\x3D\x04\x03\x04") /* 1.2.840.10045.4.3.4 */

/* Attributes of names (RFC 5280 A.1). */
#define OID_COMMON_NAME OID("\x55\x04\x03")         /* 2.5.4.3 */
#define OID_ORGANIZATION OID("\x55\x04\x0A")        /* 2.5.4.10 */
#define OID_ORGANIZATIONAL_UNIT OID("\x55\x04\x0B") /* 2.5.4.11 */
#define OID_EMAIL_ADDRESS                                                      \
	OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x01") /* 1.2.840.113549.1.9.1 */

/* Extensions of certificates, CRLs and CRL entries (RFC 5280 4.2, 5.2, 5.3). */
#define OID_SUBJECT_KEY_ID OID("\x55\x1D\x0E")     /* 2.5.29.14 */
#define OID_KEY_USAGE OID("\x55\x1D\x0F")          /* 2.5.29.15 */
#define OID_SUBJECT_ALT_NAME OID("\x55\x1D\x11")   /* 2.5.29.17 */
#define OID_ISSUER_ALT_NAME OID("\x55\x1D\x12")    /* 2.5.29.18 */
#define OID_BASIC_CONSTRAINTS OID("\x55\x1D\x13")  /* 2.5.29.19 */
#define OID_CRL_NUMBER OID("\x55\x1D\x14")         /* 2.5.29.20 */
#define OID_REASON_CODE OID("\x55\x1D\x15")        /* 2.5.29.21 */
#define OID_INVALIDITY_DATE OID("\x55\x1D\x18")    /* 2.5.29.24 */
#define OID_DELTA_CRL OID("\x55\x1D\x1B")          /* 2.5.29.27 */
#define OID_ISSUING_POINT OID("\x55\x1D\x1C")      /* 2.5.29.28 */
#define OID_CERTIFICATE_ISSUER OID("\x55\x1D\x1D") /* 2.5.29.29 */
#define OID_NAME_CONSTRAINTS OID("\x55\x1D\x1E")   /* 2.5.29.30 */
#define OID_POLICIES OID("\x55\x1D\x20")           /* 2.5.29.32 */
#define OID_ANY_POLICY OID("\x55\x1D\x20\x00")     /* 2.5.29.32.0 */
#define OID_POLICY_MAPPINGS OID("\x55\x1D\x21")    /* 2.5.29.33 */
#define OID_AUTHORITY_KEY_ID OID("\x55\x1D\x23")   /* 2.5.29.35 */
#define OID_POLICY_CONSTRAINTS OID("\x55\x1D\x24") /* 2.5.29.36 */
#define OID_EXTENDED_KEY_USAGE OID("\x55\x1D\x25") /* 2.5.29.37 */
#define OID_INHIBIT_ANY_POLICY OID("\x55\x1D\x36") /* 2.5.29.54 */

/* Purposes (RFC 5280 4.2.1.12). */
#define OID_ANY_PURPOSE OID("\x55\x1D\x25\x00") /* 2.5.29.37.0 */
#define OID_SERVER_AUTH                                                        \
	OID("\x2B\x06\x01\x05\x05\x07\x03\x01") /* 1.3.6.1.5.5.7.3.1 */
#define OID_CLIENT_AUTH                                                        \
	OID("\x2B\x06\x01\x05\x05\x07\x03\x02") /* 1.3.6.1.5.5.7.3.2 */

#endif
