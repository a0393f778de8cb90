/* certificate.h - one X.509 version 3 certificate, taken apart (RFC 5280 4).
 * Pure: a view into the caller's bytes.  What is read here is in order by
 * itself; whether it is to be trusted depends on others: chain.h. */
#ifndef TLS_CERTIFICATE_H
#define TLS_CERTIFICATE_H

#include "signature.h"

#define CERTIFICATE_MAX_BYTES 65536
#define CERTIFICATE_MAX_EXTENSIONS 64
#define CERTIFICATE_MAX_SERIAL 20   /* octets: RFC 5280 4.1.2.2 */
#define CERTIFICATE_NONE UINT32_MAX /* where a number is absent */

/* Bits of key usage, RFC 5280 4.2.1.3. */
enum {
	USAGE_DIGITAL_SIGNATURE = 1 << 0,
	USAGE_CERTIFICATE_SIGN = 1 << 5,
	USAGE_CRL_SIGN = 1 << 6,
};

/* Extensions that are known, as bits of certificate.extensions. */
enum {
	HAS_BASIC_CONSTRAINTS = 1 << 0,
	HAS_KEY_USAGE = 1 << 1,
	HAS_EXTENDED_KEY_USAGE = 1 << 2,
	HAS_SUBJECT_ALT_NAME = 1 << 3,
	HAS_NAME_CONSTRAINTS = 1 << 4,
	HAS_AUTHORITY_KEY_ID = 1 << 5,
	HAS_SUBJECT_KEY_ID = 1 << 6,
	HAS_POLICIES = 1 << 7,
	HAS_POLICY_MAPPINGS = 1 << 8,
	HAS_POLICY_CONSTRAINTS = 1 << 9,
	HAS_INHIBIT_ANY_POLICY = 1 << 10,
	HAS_ISSUER_ALT_NAME = 1 << 11,
};

/* Kinds of GeneralName: the number of its tag. */
enum general_name {
	GENERAL_OTHER = 0,
	GENERAL_EMAIL = 1,
	GENERAL_DNS = 2,
	GENERAL_X400 = 3,
	GENERAL_DIRECTORY = 4,
	GENERAL_EDI = 5,
	GENERAL_URI = 6,
	GENERAL_IP = 7,
	GENERAL_REGISTERED = 8,
};
#define GENERAL_KINDS 9

struct certificate {
	struct bytes der;
	struct bytes tbs;     /* with tag and length: what is signed */
	struct bytes serial;  /* the INTEGER's octets, minimal */
	struct bytes issuer;  /* bodies of the RDNSequences */
	struct bytes subject; /* may be empty */
	int64_t not_before;   /* the first and the last valid second */
	int64_t not_after;
	struct bytes spki; /* with tag and length */
	struct public_key key;
	enum trust key_trust; /* why there is none */
	struct signature signature;
	enum trust signature_trust;

	unsigned extensions; /* HAS_... */
	unsigned critical;   /* those of them that are */
	bool unknown_critical;
	bool ca;
	uint32_t path_length; /* or CERTIFICATE_NONE */
	uint16_t key_usage;   /* USAGE_..., if HAS_KEY_USAGE */
	bool client_auth;     /* of HAS_EXTENDED_KEY_USAGE */
	bool server_auth;
	bool any_purpose;
	struct bytes alt_names; /* bodies of SEQUENCEs, their items in order */
	struct bytes permitted;
	struct bytes excluded;
	struct bytes policies;
	struct bytes mappings;
	struct bytes authority_key; /* keyIdentifier; empty if absent */
	struct bytes subject_key;
	uint32_t require_policy; /* or CERTIFICATE_NONE */
	uint32_t inhibit_mapping;
	uint32_t inhibit_any;
};

/* Take DER apart.  Anything but TRUST_OK: OUT is of no use.  A key or signature
 * of a kind that is not supported is no error here, see key_trust. */
enum trust certificate_read(struct bytes der, struct certificate *out);

/* Subject and issuer are the same name. */
bool certificate_self_issued(const struct certificate *certificate);

/* The next GeneralName of REST; VALUE is its body.  False: no more, for the
 * names in a certificate that was read are in order. */
bool general_name_next(struct bytes *rest, enum general_name *kind,
		       struct bytes *value);

/* Validate a SEQUENCE OF GeneralName, its body; it may not be empty. */
bool general_names_valid(struct bytes names);

/* Read an AuthorityKeyIdentifier (RFC 5280 4.2.1.1), of a certificate or a CRL;
 * *KEY is set when it names one by key. */
bool authority_key_read(struct bytes value, struct bytes *key);

#endif
