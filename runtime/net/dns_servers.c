/* dns_servers.c - the servers of a resolver: see dns_servers.h. */
#include "dns_servers.h"

#include <ares.h>
#include <string.h>

#define DNS_PORT 53

/* The nameservers of resolv.conf(5), as c-ares reads them: 127.0.0.1 when
 * there are none. */
static bool system_servers(struct dns_servers *servers, const char *path)
{
	char copy[4096];
	char lookups[] = "b";
	struct ares_options options = {.lookups = lookups,
				       .resolvconf_path = copy};
	struct ares_addr_port_node *list = NULL;
	ares_channel channel;

	if (strlen(path) >= sizeof(copy))
		return false;
	memcpy(copy, path, strlen(path) + 1);
	if (ares_init_options(&channel, &options,
			      ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF) !=
	    ARES_SUCCESS)
		return false;
	if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS)
		list = NULL;
	ares_destroy(channel);

	for (const struct ares_addr_port_node *node = list;
	     node != NULL && servers->count < RESOLVER_MAX_SERVERS;
	     node = node->next) {
		struct dns_server *server = &servers->of[servers->count++];
		uint8_t bytes[sizeof(node->addr.addr6)];

		memcpy(bytes, &node->addr, sizeof(bytes));
		server->addr = node->family == AF_INET ? addr_from_v4(bytes)
						       : addr_from_v6(bytes);
		server->port = node->udp_port > 0 ? (uint16_t)node->udp_port
						  : DNS_PORT;
	}
	if (list != NULL)
		ares_free_data(list);
	return servers->count > 0;
}

bool dns_servers_init(struct dns_servers *servers,
		      const struct resolver_options *options)
{
	*servers = (struct dns_servers){0};
	if (options->server_count == 0)
		return system_servers(servers, options->resolv_conf != NULL
						       ? options->resolv_conf
						       : "/etc/resolv.conf");
	for (unsigned i = 0; i < options->server_count; i++) {
		const struct resolver_server *server = &options->servers[i];

		servers->of[i].addr = server->addr;
		servers->of[i].port =
			server->port != 0 ? server->port : DNS_PORT;
	}
	servers->count = options->server_count;
	return true;
}
