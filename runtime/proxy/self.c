/* self.c - see self.h. */
#include "self.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "timeouts.h"

bool self_from_sockaddr(const struct sockaddr *sockaddr, struct addr *addr,
			uint16_t *port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	uint8_t octets[4];

	if (sockaddr->sa_family == AF_INET) {
		memcpy(&v4, sockaddr, sizeof(v4));
		memcpy(octets, &v4.sin_addr, sizeof(octets));
		*addr = addr_from_v4(octets);
		*port = ntohs(v4.sin_port);
		return true;
	}
	if (sockaddr->sa_family == AF_INET6) {
		memcpy(&v6, sockaddr, sizeof(v6));
		*addr = addr_from_v6(v6.sin6_addr.s6_addr);
		*port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}

bool self_add(struct self_listeners *listeners, int fd)
{
	struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
	socklen_t length = sizeof(name);
	size_t at = listeners->count;

	if (at == SELF_MAX_LISTENERS ||
	    getsockname(fd, (struct sockaddr *)&name, &length) != 0 ||
	    !self_from_sockaddr((struct sockaddr *)&name,
				&listeners->at[at].addr,
				&listeners->at[at].port))
		return false;
	listeners->count++;
	return true;
}

static bool is_loopback_or_any(const struct addr *addr)
{
	static const uint8_t zero[16];

	if (addr_is_v4(addr))
		return addr->bytes[12] == 127 ||
		       memcmp(addr->bytes + 12, zero, 4) == 0;
	/* :: and ::1 */
	return memcmp(addr->bytes, zero, 15) == 0 && addr->bytes[15] <= 1;
}

static void reload(struct self_cache *cache, uint64_t now)
{
	struct ifaddrs *all, *each;
	size_t count = 0;

	/* when it cannot be had, what was known stays */
	if (getifaddrs(&all) != 0)
		return;
	for (each = all; each != NULL; each = each->ifa_next)
		count++;
	free(cache->addrs);
	cache->addrs = calloc(count + 1, sizeof(*cache->addrs));
	cache->count = 0;
	for (each = all; each != NULL && cache->addrs != NULL;
	     each = each->ifa_next) {
		uint16_t port;

		if (each->ifa_addr != NULL &&
		    self_from_sockaddr(each->ifa_addr,
				       &cache->addrs[cache->count], &port))
			cache->count++;
	}
	cache->loaded = cache->addrs != NULL ? now : 0;
	freeifaddrs(all);
}

static bool is_local(struct self_cache *cache, const struct addr *addr)
{
	uint64_t now = timeouts_now();

	if (is_loopback_or_any(addr))
		return true;
	if (cache->loaded == 0 || now - cache->loaded > SELF_FRESH_MS)
		reload(cache, now);
	/* not knowing the machine's addresses is no licence */
	if (cache->loaded == 0)
		return true;
	for (size_t i = 0; i < cache->count; i++)
		if (memcmp(&cache->addrs[i], addr, sizeof(*addr)) == 0)
			return true;
	return false;
}

bool self_is_own(const struct self_listeners *listeners,
		 struct self_cache *cache, const struct addr *addr,
		 uint16_t port)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->at[i].port == port)
			return is_local(cache, addr);
	return false;
}

void self_cache_fini(struct self_cache *cache)
{
	free(cache->addrs);
	*cache = (struct self_cache){0};
}
