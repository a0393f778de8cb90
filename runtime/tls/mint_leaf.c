/* mint_leaf.c - see mint-internal.h: one certificate, written (RFC 5280 4). */
#include "mint-internal.h"

#include "der_write.h"
#include "oid.h"

#define MAX_COMMON_NAME 64 /* RFC 5280 A.1, ub-common-name */

void mint_key_id(struct bytes bits, uint8_t out[MINT_KEY_ID])
{
	uint8_t hash[br_sha256_SIZE];
	br_sha256_context sha256;

	br_sha256_init(&sha256);
	br_sha256_update(&sha256, bits.p, bits.n);
	br_sha256_out(&sha256, hash);
	memcpy(out, hash, MINT_KEY_ID);
}

static struct bytes text_of(const struct hostname *host)
{
	return bytes_make((const uint8_t *)host->text, host->length);
}

static void write_oid(struct der_writer *writer, struct bytes oid)
{
	der_write(writer, DER_OID, oid);
}

/* Of the signature that the CA's key makes. */
static void write_algorithm(struct der_writer *writer,
			    const struct private_key *key)
{
	size_t algorithm = der_open(writer, DER_SEQUENCE);

	if (private_key_kind(key) == KEY_RSA) {
		write_oid(writer, (struct bytes)OID_RSA_SHA256);
		der_write(writer, DER_NULL, bytes_make(NULL, 0));
	} else {
		write_oid(writer, (struct bytes)OID_ECDSA_SHA256);
	}
	der_close(writer, algorithm);
}

static bool has_common_name(const struct hostname *host)
{
	return host->length <= MAX_COMMON_NAME;
}

/* The name as a CN, for people and old clients, where one has room for it; what
 * counts is the alternative name. */
static void write_subject(struct der_writer *writer,
			  const struct hostname *host)
{
	size_t name = der_open(writer, DER_SEQUENCE);

	if (has_common_name(host)) {
		size_t set = der_open(writer, DER_SET);
		size_t attribute = der_open(writer, DER_SEQUENCE);

		write_oid(writer, (struct bytes)OID_COMMON_NAME);
		der_write(writer, DER_UTF8_STRING, text_of(host));
		der_close(writer, attribute);
		der_close(writer, set);
	}
	der_close(writer, name);
}

static void write_key(struct der_writer *writer,
		      const struct mint_authority *authority)
{
	size_t info = der_open(writer, DER_SEQUENCE);
	size_t algorithm = der_open(writer, DER_SEQUENCE), bits;

	write_oid(writer, (struct bytes)OID_EC);
	write_oid(writer, (struct bytes)OID_P256);
	der_close(writer, algorithm);
	bits = der_open_bits(writer);
	der_write_raw(writer,
		      bytes_make(authority->point, sizeof(authority->point)));
	der_close(writer, bits);
	der_close(writer, info);
}

/* --- extensions --- */

/* An extension is open up to close_extension(). */
struct extension {
	size_t whole;
	size_t value;
};

static struct extension open_extension(struct der_writer *writer,
				       struct bytes oid, bool critical)
{
	struct extension extension;

	extension.whole = der_open(writer, DER_SEQUENCE);
	write_oid(writer, oid);
	if (critical)
		der_write_boolean(writer, true);
	extension.value = der_open(writer, DER_OCTET_STRING);
	return extension;
}

static void close_extension(struct der_writer *writer,
			    struct extension extension)
{
	der_close(writer, extension.value);
	der_close(writer, extension.whole);
}

static void write_alt_name(struct der_writer *writer,
			   const struct hostname *host)
{
	/* critical where it is all the name there is (RFC 5280 4.2.1.6) */
	struct extension extension =
		open_extension(writer, (struct bytes)OID_SUBJECT_ALT_NAME,
			       !has_common_name(host));
	size_t names = der_open(writer, DER_SEQUENCE);
	const uint8_t *address = host->addr.bytes;

	if (host->form == HOST_NAME)
		der_write(writer, DER_CONTEXT(GENERAL_DNS), text_of(host));
	else if (host->form == HOST_IPV4)
		der_write(writer, DER_CONTEXT(GENERAL_IP),
			  bytes_make(address + 12, 4));
	else
		der_write(writer, DER_CONTEXT(GENERAL_IP),
			  bytes_make(address, 16));
	der_close(writer, names);
	close_extension(writer, extension);
}

static void write_uses(struct der_writer *writer)
{
	static const uint8_t digital_signature[] = {7, 0x80};
	struct extension extension;
	size_t list;

	extension = open_extension(writer, (struct bytes)OID_BASIC_CONSTRAINTS,
				   true);
	list = der_open(writer, DER_SEQUENCE);
	der_close(writer, list); /* no CA: that is the default */
	close_extension(writer, extension);

	extension = open_extension(writer, (struct bytes)OID_KEY_USAGE, true);
	der_write(writer, DER_BIT_STRING,
		  bytes_make(digital_signature, sizeof(digital_signature)));
	close_extension(writer, extension);

	extension = open_extension(writer, (struct bytes)OID_EXTENDED_KEY_USAGE,
				   false);
	list = der_open(writer, DER_SEQUENCE);
	write_oid(writer, (struct bytes)OID_SERVER_AUTH);
	der_close(writer, list);
	close_extension(writer, extension);
}

static void write_key_ids(struct der_writer *writer,
			  const struct mint_authority *authority)
{
	struct bytes ca = authority->ca.leaf.subject_key;
	struct extension extension;
	size_t list;

	if (ca.n == 0)
		ca = bytes_make(authority->ca_key_id, MINT_KEY_ID);
	extension =
		open_extension(writer, (struct bytes)OID_SUBJECT_KEY_ID, false);
	der_write(writer, DER_OCTET_STRING,
		  bytes_make(authority->key_id, MINT_KEY_ID));
	close_extension(writer, extension);

	extension = open_extension(writer, (struct bytes)OID_AUTHORITY_KEY_ID,
				   false);
	list = der_open(writer, DER_SEQUENCE);
	der_write(writer, DER_CONTEXT(0), ca);
	der_close(writer, list);
	close_extension(writer, extension);
}

static void write_extensions(struct der_writer *writer,
			     const struct mint_authority *authority,
			     const struct hostname *host)
{
	size_t tagged = der_open(writer, DER_CONTEXT_CONSTRUCTED(3));
	size_t list = der_open(writer, DER_SEQUENCE);

	write_uses(writer);
	write_key_ids(writer, authority);
	write_alt_name(writer, host);
	der_close(writer, list);
	der_close(writer, tagged);
}

/* --- the whole --- */

static void write_body(struct der_writer *writer,
		       const struct mint_authority *authority,
		       const struct hostname *host, int64_t from, int64_t until,
		       const uint8_t serial[16])
{
	static const uint8_t version_3[] = {2};
	size_t body = der_open(writer, DER_SEQUENCE);
	size_t version = der_open(writer, DER_CONTEXT_CONSTRUCTED(0));
	size_t validity;

	der_write(writer, DER_INTEGER, bytes_make(version_3, 1));
	der_close(writer, version);
	der_write(writer, DER_INTEGER, bytes_make(serial, 16));
	write_algorithm(writer, authority->ca.key);
	der_write(writer, DER_SEQUENCE, authority->ca.leaf.subject);
	validity = der_open(writer, DER_SEQUENCE);
	der_write_time(writer, from);
	der_write_time(writer, until);
	der_close(writer, validity);
	write_subject(writer, host);
	write_key(writer, authority);
	write_extensions(writer, authority, host);
	der_close(writer, body);
}

struct bytes mint_write(const struct mint_authority *authority,
			const struct hostname *host, int64_t from,
			int64_t until, const uint8_t serial[16],
			uint8_t *buffer, size_t size)
{
	uint8_t signature[PRIVATE_KEY_MAX_SIGNATURE];
	struct der_writer writer;
	struct bytes body;
	size_t whole, bits, start, n = 0;

	der_write_begin(&writer, buffer, size);
	whole = der_open(&writer, DER_SEQUENCE);
	start = writer.n;
	write_body(&writer, authority, host, from, until, serial);
	body = der_written(&writer);
	if (body.n != 0)
		n = private_key_sign(authority->ca.key,
				     bytes_make(body.p + start, body.n - start),
				     signature);
	if (n == 0)
		return bytes_make(NULL, 0);
	write_algorithm(&writer, authority->ca.key);
	bits = der_open_bits(&writer);
	der_write_raw(&writer, bytes_make(signature, n));
	der_close(&writer, bits);
	der_close(&writer, whole);
	return der_written(&writer);
}
