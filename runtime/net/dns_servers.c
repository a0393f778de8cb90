/* dns_servers.c - the servers of a resolver: see dns_servers.h. */
#include "dns_servers.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define DNS_PORT 53
#define SYSTEM_RESOLV_CONF "/etc/resolv.conf"

static struct dns_servers *servers_new(void)
{
	struct dns_servers *servers = calloc(1, sizeof(*servers));

	if (servers != NULL)
		servers->refs = 1;
	return servers;
}

void dns_servers_unref(struct dns_servers *servers)
{
	if (servers != NULL && --servers->refs == 0)
		free(servers);
}

static void add_server(struct dns_servers *servers, const struct addr *addr,
		       int port)
{
	if (servers->count == RESOLVER_MAX_SERVERS)
		return;
	servers->of[servers->count++] = (struct dns_server){
		.addr = *addr,
		.port = port > 0 ? (uint16_t)port : DNS_PORT,
	};
}

static struct addr node_addr(const struct ares_addr_port_node *node)
{
	uint8_t bytes[sizeof(node->addr.addr6)];

	memcpy(bytes, &node->addr, sizeof(bytes));
	return node->family == AF_INET ? addr_from_v4(bytes)
				       : addr_from_v6(bytes);
}

/* The nameservers in the file at PATH, as c-ares reads it: 127.0.0.1 when it
 * has none.  NULL: no memory, no descriptors, no access. */
static struct dns_servers *read_resolv_conf(char *path)
{
	char lookups[] = "b";
	struct ares_options options = {.lookups = lookups,
				       .resolvconf_path = path};
	struct ares_addr_port_node *list = NULL;
	struct dns_servers *servers;
	ares_channel channel;

	if (ares_init_options(&channel, &options,
			      ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF) !=
	    ARES_SUCCESS)
		return NULL;
	if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS)
		list = NULL;
	ares_destroy(channel);

	servers = servers_new();
	for (const struct ares_addr_port_node *node = list;
	     node != NULL && servers != NULL; node = node->next) {
		struct addr addr = node_addr(node);

		add_server(servers, &addr, node->udp_port);
	}
	if (list != NULL)
		ares_free_data(list);
	if (servers != NULL && servers->count == 0) {
		dns_servers_unref(servers);
		return NULL;
	}
	return servers;
}

bool dns_source_init(struct dns_source *source,
		     const struct resolver_options *options, uint64_t now_ms)
{
	*source = (struct dns_source){0};
	if (options->server_count == 0) {
		source->path = strdup(options->resolv_conf != NULL
					      ? options->resolv_conf
					      : SYSTEM_RESOLV_CONF);
		if (source->path == NULL)
			return false;
		source->seen = file_stamp_at(source->path);
		source->check_at_ms = now_ms + RESOLV_CONF_CHECK_MS;
		source->servers = read_resolv_conf(source->path);
		return source->servers != NULL;
	}

	source->servers = servers_new();
	if (source->servers == NULL)
		return false;
	for (unsigned i = 0; i < options->server_count; i++) {
		const struct resolver_server *server = &options->servers[i];

		add_server(source->servers, &server->addr, server->port);
	}
	return true;
}

void dns_source_fini(struct dns_source *source)
{
	dns_servers_unref(source->servers);
	free(source->path);
	*source = (struct dns_source){0};
}

static void refresh(struct dns_source *source)
{
	struct file_stamp now = file_stamp_at(source->path);
	struct dns_servers *fresh;

	if (file_stamp_equal(&now, &source->seen))
		return;
	fresh = read_resolv_conf(source->path);
	if (fresh == NULL)
		return;
	dns_servers_unref(source->servers);
	source->servers = fresh;
	source->seen = now;
}

struct dns_servers *dns_source_servers(struct dns_source *source,
				       uint64_t now_ms)
{
	if (source->path != NULL && now_ms >= source->check_at_ms) {
		refresh(source);
		source->check_at_ms = now_ms + RESOLV_CONF_CHECK_MS;
	}
	source->servers->refs++;
	return source->servers;
}
