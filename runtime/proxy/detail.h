/* detail.h - what the log has of a request to a host of mitm_domains with
 * detailed_http_logs: its URL, its method, and its headers, of which only those
 * are shown that the policy names.  Pure: a scanned head and a policy in, JSON
 * out. */
#ifndef PROXY_DETAIL_H
#define PROXY_DETAIL_H

#include <stddef.h>

#include "grammar/request.h"
#include "headers.h"
#include "runtime/policy/blob.h"
#include "runtime/policy/str.h"

#define DETAIL_MAX (16u << 10)

struct detail {
	const struct request *request; /* its spans are in HEAD */
	const char *head;
	struct str host; /* what the origin is called */
	struct str path; /* with the query; may be empty */
	const struct headers_set *set;
	size_t set_count;
	const struct blob *blob;
	uint32_t mitm; /* whose entry it is */
};

/* Write members of a JSON object, mitm_req_url, mitm_req_method and
 * mitm_req_headers, into OUT of DETAIL_MAX bytes; their length.  Headers that
 * do not fit are left out, and mitm_req_headers_cut says so. */
size_t detail_write(char *out, const struct detail *detail);

#endif
