/* role_callback.c - see role_callback.h.
 * All texts of a certificate are made before the program is asked, in one
 * block: its accessors cannot fail, and what they return lives until the answer
 * is there. */
#include "role_callback.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/tls/name.h"
#include "runtime/tls/oid.h"

#define WHY_MAX 255

struct item {
	enum smokescreen_field field;
	struct str text; /* NUL-terminated */
};

struct smokescreen_client {
	struct bytes der; /* borrowed; empty: no certificate */
	struct item *items;
	size_t count;
	char *texts; /* behind the items, in the same block */
	size_t used;
	size_t room;
	char address[ADDR_TEXT_MAX];
	uint16_t port;
	char role[ROLE_MAX + 1];
	size_t role_size; /* 0: none was given */
	char why[WHY_MAX + 1];
};

/* --- what a certificate says --- */

/* The next item, whose SIZE bytes of text are at the end of what is used. */
static void add(struct smokescreen_client *client, enum smokescreen_field field,
		size_t size)
{
	char *text = client->texts + client->used;

	text[size] = '\0';
	client->used += size + 1;
	client->items[client->count++] =
		(struct item){field, str_make(text, size)};
}

static void add_bytes(struct smokescreen_client *client,
		      enum smokescreen_field field, struct bytes value)
{
	if (value.n != 0)
		memcpy(client->texts + client->used, value.p, value.n);
	add(client, field, value.n);
}

static bool field_of(struct bytes type, enum smokescreen_field *out)
{
	if (OID_IS(type, OID_COMMON_NAME))
		*out = SMOKESCREEN_CN;
	else if (OID_IS(type, OID_ORGANIZATIONAL_UNIT))
		*out = SMOKESCREEN_OU;
	else if (OID_IS(type, OID_ORGANIZATION))
		*out = SMOKESCREEN_O;
	else
		return false;
	return true;
}

/* What is no text keeps its place, and is empty. */
static void read_subject(struct smokescreen_client *client, struct bytes name)
{
	struct name_cursor cursor = name_walk(name);
	struct name_attribute attribute;
	enum smokescreen_field field;

	while (name_next(&cursor, &attribute)) {
		size_t size = 0;

		if (!field_of(attribute.type, &field))
			continue;
		if (!name_text(attribute.tag, attribute.value,
			       client->texts + client->used,
			       client->room - client->used - 1, &size))
			size = 0;
		add(client, field, size);
	}
}

static void add_ip(struct smokescreen_client *client, struct bytes value)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	size_t size;

	if (value.n == 4)
		addr = addr_from_v4(value.p);
	else if (value.n == 16)
		addr = addr_from_v6(value.p);
	else
		return;
	size = addr_format(&addr, text);
	add_bytes(client, SMOKESCREEN_SAN_IP,
		  bytes_make((const uint8_t *)text, size));
}

static void read_alt_names(struct smokescreen_client *client,
			   struct bytes names)
{
	enum general_name kind;
	struct bytes value;

	while (general_name_next(&names, &kind, &value)) {
		if (kind == GENERAL_DNS)
			add_bytes(client, SMOKESCREEN_SAN_DNS, value);
		else if (kind == GENERAL_URI)
			add_bytes(client, SMOKESCREEN_SAN_URI, value);
		else if (kind == GENERAL_EMAIL)
			add_bytes(client, SMOKESCREEN_SAN_EMAIL, value);
		else if (kind == GENERAL_IP)
			add_ip(client, value);
	}
}

static void read_serial(struct smokescreen_client *client, struct bytes serial)
{
	static const char digits[] = "0123456789abcdef";
	char *text = client->texts + client->used;
	size_t size = 0;

	/* the octet for the sign is not part of the number */
	if (serial.n > 1 && serial.p[0] == 0)
		serial = bytes_make(serial.p + 1, serial.n - 1);
	for (size_t i = 0; i < serial.n; i++) {
		text[size++] = digits[serial.p[i] >> 4];
		text[size++] = digits[serial.p[i] & 15];
	}
	add(client, SMOKESCREEN_SERIAL, size);
}

static size_t count_alt_names(struct bytes names)
{
	enum general_name kind;
	struct bytes value;
	size_t count = 0;

	while (general_name_next(&names, &kind, &value))
		count++;
	return count;
}

/* False: out of memory. */
static bool read_certificate(struct smokescreen_client *client,
			     struct bytes der)
{
	struct certificate leaf;
	size_t items;

	if (der.n == 0 || certificate_read(der, &leaf) != TRUST_OK)
		return true;
	items = NAME_MAX_ATTRIBUTES + count_alt_names(leaf.alt_names) + 1;
	/* A byte of a name becomes at most two of UTF-8, and a name has more
	 * bytes than its NUL besides.  An address of 16 bytes, its tag and its
	 * length become less than three times as many. */
	client->room = 2 * leaf.subject.n + 3 * leaf.alt_names.n +
		       2 * leaf.serial.n + items;
	client->items = malloc(items * sizeof(struct item) + client->room);
	if (client->items == NULL)
		return false;
	client->texts = (char *)(client->items + items);
	client->der = der;
	read_subject(client, leaf.subject);
	read_alt_names(client, leaf.alt_names);
	read_serial(client, leaf.serial);
	return true;
}

/* --- what the program may ask --- */

const unsigned char *
smokescreen_client_certificate(const struct smokescreen_client *client,
			       size_t *length)
{
	if (length != NULL)
		*length = client->der.n;
	return client->der.n != 0 ? client->der.p : NULL;
}

const char *smokescreen_client_text(const struct smokescreen_client *client,
				    enum smokescreen_field field, size_t index,
				    size_t *length)
{
	for (size_t i = 0; i < client->count; i++) {
		const struct item *item = &client->items[i];

		if (item->field != field || index-- != 0)
			continue;
		if (length != NULL)
			*length = item->text.n;
		return item->text.p;
	}
	if (length != NULL)
		*length = 0;
	return NULL;
}

const char *smokescreen_client_address(const struct smokescreen_client *client)
{
	return client->address;
}

unsigned smokescreen_client_port(const struct smokescreen_client *client)
{
	return client->port;
}

/* --- what it answers --- */

enum smokescreen_answer
smokescreen_answer_refuse(struct smokescreen_client *client, const char *why)
{
	size_t n = why != NULL ? strnlen(why, WHY_MAX) : 0;

	if (n != 0)
		memcpy(client->why, why, n);
	client->why[n] = '\0';
	client->role_size = 0;
	return SMOKESCREEN_REFUSE;
}

enum smokescreen_answer
smokescreen_answer_role(struct smokescreen_client *client, const char *role,
			size_t length)
{
	const uint8_t *bytes = (const uint8_t *)role;

	if (role == NULL || length == 0)
		return smokescreen_answer_refuse(client, "an empty role");
	if (length > ROLE_MAX)
		return smokescreen_answer_refuse(
			client, "a role of more than 255 bytes");
	if (!name_text(DER_UTF8_STRING, bytes_make(bytes, length), client->role,
		       ROLE_MAX, &client->role_size))
		return smokescreen_answer_refuse(
			client, "a role that is no text, or has control "
				"characters in it");
	return SMOKESCREEN_ROLE;
}

static struct identity_word word_of(struct smokescreen_client *client,
				    enum smokescreen_answer answer)
{
	switch (answer) {
	case SMOKESCREEN_ROLE:
		if (client->role_size != 0)
			return (struct identity_word){
				.has_role = true,
				.role = str_make(client->role,
						 client->role_size)};
		smokescreen_answer_refuse(client,
					  "the role function gave no role");
		break;
	case SMOKESCREEN_NO_ROLE:
		return (struct identity_word){.has_role = false};
	case SMOKESCREEN_REFUSE:
		break;
	}
	return (struct identity_word){.refused = true,
				      .why = str_from(client->why)};
}

struct identity *role_callback_ask(const struct hooks *hooks,
				   const struct identity *shown,
				   const struct addr *peer, uint16_t port)
{
	struct smokescreen_client client = {.port = port};
	struct identity *identity = NULL;
	struct identity_word word;

	addr_format(peer, client.address);
	if (shown == NULL || read_certificate(&client, shown->leaf)) {
		word = word_of(&client,
			       hooks->role(hooks->role_context, &client));
		identity = identity_by_word(shown, &word);
	}
	free(client.items);
	return identity;
}
