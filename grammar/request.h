/* request.h - the head of an HTTP/1 request, and the authority that CONNECT
 * names: pure scanners over bytes from outside (RFC 9112, read strictly; what
 * two readers could understand differently is refused).
 * Not here: what a request means, and bodies. */
#ifndef GRAMMAR_REQUEST_H
#define GRAMMAR_REQUEST_H

#include "head.h"

#define REQUEST_MAX_HEAD (32u << 10) /* all of it, the empty line included */
#define REQUEST_MAX_TARGET 8192u
#define REQUEST_MAX_METHOD 32u

struct request {
	struct head_span method;
	struct head_span target;
	bool is_connect;
	struct head head;
};

/* Scan the head at the beginning of the LENGTH bytes at BYTES, which are those
 * of the last call and maybe more.  OUT is filled when the answer is HEAD_DONE;
 * with an error, out->head.error says more.  No byte beyond LENGTH is read. */
enum head_status request_scan(struct head_progress *progress, const char *bytes,
			      size_t length, struct request *out);

enum request_target {
	TARGET_BAD = 0,   /* none of those below, or not a usable one */
	TARGET_AUTHORITY, /* host, host:port: for CONNECT */
	TARGET_ABSOLUTE,  /* scheme://... */
	TARGET_ORIGIN,    /* /path */
	TARGET_ASTERISK,  /* OPTIONS * */
};

/* What kind of target the LENGTH bytes at BYTES are.  As an authority passes
 * whatever has the characters of a host and digits for a port: whether the host
 * is a name and the port is in range is not decided here.  No userinfo, no
 * path, no name in brackets. */
enum request_target request_target(const char *bytes, size_t length);

/* Undo the percent encoding of an authority's bytes beyond ASCII, in place; the
 * new length.  What request_target() called an authority has no other escapes.
 */
size_t request_decode_host(char *bytes, size_t length);

/* A target in absolute form, "http://user@host:80/path?query". */
struct request_url {
	struct head_span scheme;
	struct head_span authority; /* host, or host:port; no userinfo */
	struct head_span host;      /* as in AUTHORITY, with its brackets */
	struct head_span port;      /* digits, maybe none */
	struct head_span path;      /* with the query; may be empty */
};

/* False: no URL with a host, or one that readers could take for another: no
 * fragment, no broken escape in the path. */
bool request_split_url(const char *bytes, size_t length,
		       struct request_url *out);

/* The URL of a proxy, "http://user:password@host:port/". */
struct request_proxy {
	struct head_span scheme;
	bool has_userinfo;
	struct head_span userinfo; /* as it is written, with its escapes */
	struct head_span host;     /* without brackets */
	struct head_span port;     /* digits, maybe none */
};

/* False: no URL that names a host. */
bool request_split_proxy(const char *bytes, size_t length,
			 struct request_proxy *out);

#endif
