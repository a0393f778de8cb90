/* sessions.c - see sessions.h. */
#include "sessions.h"

#include <stdlib.h>
#include <string.h>

struct session {
	br_ssl_session_parameters parameters;
	struct identity *identity; /* owned; NULL: no certificate */
};

static void drop(void *value)
{
	free(((struct session *)value)->identity);
}

struct lru *sessions_new(size_t count)
{
	return lru_new(count, sizeof(struct session), drop);
}

void sessions_save(struct lru *sessions,
		   const br_ssl_session_parameters *parameters,
		   const struct identity *identity, int64_t now,
		   int64_t expires)
{
	struct session session = {.parameters = *parameters};

	_Static_assert(sizeof(parameters->session_id) == LRU_KEY,
		       "an ID is a key");
	if (parameters->session_id_len != LRU_KEY)
		return;
	if (identity != NULL && identity->leaf.n > SESSIONS_MAX_LEAF)
		return;
	if (identity != NULL) {
		session.identity = identity_copy(identity);
		/* without it the client would become nobody */
		if (session.identity == NULL)
			return;
	}
	if (expires - now > SESSIONS_SECONDS)
		expires = now + SESSIONS_SECONDS;
	lru_put(sessions, parameters->session_id, &session, expires);
	explicit_bzero(&session, sizeof(session));
}

struct loading {
	br_ssl_session_parameters *parameters;
	struct identity **identity;
};

static bool load(void *closure, const void *value)
{
	const struct loading *loading = closure;
	const struct session *session = value;

	*loading->identity = NULL;
	if (session->identity != NULL) {
		*loading->identity = identity_copy(session->identity);
		if (*loading->identity == NULL)
			return false;
	}
	*loading->parameters = session->parameters;
	return true;
}

bool sessions_load(struct lru *sessions, br_ssl_session_parameters *parameters,
		   int64_t now, struct identity **identity)
{
	struct loading loading = {parameters, identity};
	uint8_t id[LRU_KEY];

	if (parameters->session_id_len != LRU_KEY)
		return false;
	memcpy(id, parameters->session_id, sizeof(id));
	return lru_get(sessions, id, now, load, &loading);
}
