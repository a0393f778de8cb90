/* ou_role.c - smokescreen whose roles come from the organizational unit: a
 * client with the certificate OU=web.eu.corp has the role "web".
 *
 * Build it with the shared library, or with the static one:
 *
 *	cc -o ou_role ou_role.c $(pkg-config --cflags --libs smokescreen)
 *	cc -o ou_role ou_role.c $(pkg-config --cflags smokescreen) \
 *		$(pkg-config --variable=static_libs smokescreen)
 *
 * and run it like the program smokescreen, with the same options:
 *
 *	./ou_role --egress-acl-file acl.blob \
 *		--tls-server-bundle-file server.pem \
 *		--tls-client-ca-file clients.pem
 *
 * smokescreen(3) is the manual. */
#include <smokescreen.h>

#include <stdio.h>
#include <string.h>

/* How many certificates we would not let in: any thread may count here. */
struct refusals {
	_Atomic unsigned long without_ou;
};

/* Several threads may ask at once, and nothing here may wait. */
static enum smokescreen_answer role_of(void *context,
				       struct smokescreen_client *client)
{
	struct refusals *refusals = context;
	const char *ou, *dot;
	size_t length;

	/* without a certificate, or without TLS: the policy's setting
	 * allow_missing_role decides */
	if (smokescreen_client_certificate(client, NULL) == NULL)
		return SMOKESCREEN_NO_ROLE;

	/* the first one; a text that has control characters in it is empty
	 * here, and then the role is, too, which refuses */
	ou = smokescreen_client_text(client, SMOKESCREEN_OU, 0, &length);
	if (ou == NULL) {
		refusals->without_ou++;
		return smokescreen_answer_refuse(
			client, "the certificate has no OU: what service?");
	}
	dot = memchr(ou, '.', length);
	if (dot != NULL)
		length = (size_t)(dot - ou);
	return smokescreen_answer_role(client, ou, length);
}

int main(int argc, char **argv)
{
	struct refusals refusals = {0};
	struct smokescreen *proxy = smokescreen_new();
	int status;

	if (proxy == NULL) {
		fputs("ou_role: out of memory\n", stderr);
		return 1;
	}
	smokescreen_set_role(proxy, role_of, &refusals);
	status = smokescreen_run(proxy, argc, argv);
	smokescreen_free(proxy);
	if (refusals.without_ou != 0)
		printf("ou_role: %lu connections were refused for lack of an "
		       "OU\n",
		       refusals.without_ou);
	return status;
}
