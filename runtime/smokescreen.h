/* smokescreen.h - libsmokescreen: the proxy as a part of your program, which
 * says itself what role a client has.  smokescreen(3) is the manual.
 *
 *	struct smokescreen *proxy = smokescreen_new();
 *
 *	smokescreen_set_role(proxy, my_role, NULL);
 *	status = smokescreen_run(proxy, argc, argv);
 *	smokescreen_free(proxy);
 *
 * The program smokescreen is these lines without the second.  Strings are
 * UTF-8.  A process has one proxy running at a time; one after the other works,
 * and so does the same one again. */
#ifndef SMOKESCREEN_H
#define SMOKESCREEN_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SMOKESCREEN_API __attribute__((visibility("default")))
#else
#define SMOKESCREEN_API
#endif

struct smokescreen;

/* NULL: out of memory, or of descriptors. */
SMOKESCREEN_API struct smokescreen *smokescreen_new(void);

/* PROXY does not run.  NULL is allowed. */
SMOKESCREEN_API void smokescreen_free(struct smokescreen *proxy);

/* "0.1.0".  Static. */
SMOKESCREEN_API const char *smokescreen_version(void);

/* --- running ---------------------------------------------------------------
 */

/* Serve as "smokescreen ARGV[1]..." does, on this thread and on threads of its
 * own, until the end.  ARGV[0] is not looked at; smokescreen(8) has the
 *options. Returns the exit status:
 *
 *	0	drained, or told to quit; or asked for --help, --version or
 *		--check-config and done
 *	1	it could not start; the log function, or standard error, was
 *		told why.  Also when a proxy runs in this process already.
 *	130	ended by SIGINT, which the process has survived
 *
 * While it runs SIGPIPE is ignored, and SIGHUP, SIGTERM, SIGUSR2 and SIGINT are
 * the proxy's, unless smokescreen_leave_signals() was called; afterwards they
 * are what they were.  The limit of open descriptors is raised and stays so. */
SMOKESCREEN_API int smokescreen_run(struct smokescreen *proxy, int argc,
				    char **argv);

/* The same with nothing but a configuration file. */
SMOKESCREEN_API int smokescreen_run_file(struct smokescreen *proxy,
					 const char *path);

/* From any thread, from signal handlers too, and from callbacks.  What is asked
 * for before the proxy runs is done once it does; smokescreen_run() forgets it
 * when it returns.  As SIGTERM: take no new clients, end when the last one has.
 */
SMOKESCREEN_API void smokescreen_drain(struct smokescreen *proxy);
/* End now.  The status is 0. */
SMOKESCREEN_API void smokescreen_quit(struct smokescreen *proxy);
/* As SIGHUP: load the policy and the files of TLS again, all or nothing. */
SMOKESCREEN_API void smokescreen_reload(struct smokescreen *proxy);

/* All that follows is to be called before smokescreen_run(). */

/* Install no handlers: SIGHUP, SIGTERM, SIGUSR2 and SIGINT are the program's
 * own affair.  For programs that use libevent for signals this is a must. */
SMOKESCREEN_API void smokescreen_leave_signals(struct smokescreen *proxy);

enum smokescreen_log {
	SMOKESCREEN_LOG_LINE = 0,  /* a JSON object, as smokescreen(8) has it */
	SMOKESCREEN_LOG_ERROR = 1, /* plain text: why it cannot start, or serve;
				    * may be several lines */
};

/* TEXT has LENGTH bytes, no final newline, and is not NUL-terminated.  Called
 * from any of the proxy's threads, one at a time; it must not wait, for all of
 * them would wait with it. */
typedef void smokescreen_log_function(void *context, enum smokescreen_log kind,
				      const char *text, size_t length);

/* Instead of standard error.  NULL: standard error. */
SMOKESCREEN_API void smokescreen_set_log(struct smokescreen *proxy,
					 smokescreen_log_function *function,
					 void *context);

/* --- roles -----------------------------------------------------------------
 */

/* A client that has connected, for as long as the role function is asked: so
 * long live it and all that its accessors return, and no longer. */
struct smokescreen_client;

enum smokescreen_answer {
	SMOKESCREEN_REFUSE = 0,  /* whatever the client asks for is denied, even
				  * without a policy */
	SMOKESCREEN_NO_ROLE = 1, /* denied, unless allow_missing_role */
	SMOKESCREEN_ROLE = 2,    /* smokescreen_answer_role() returned it */
};

/* What role has CLIENT?  Asked once a connection, after the TLS handshake: its
 * certificate, if there is one, was found good, and the client has proved that
 * it has the key.  Clients without a certificate, and those without TLS, are
 * asked about too.
 *
 * Called from the proxy's threads, several at the same time: it must be
 * reentrant, and it must not wait, for all clients of the thread would wait
 * with it.  Any value but those above refuses. */
typedef enum smokescreen_answer
smokescreen_role_function(void *context, struct smokescreen_client *client);

/* Instead of --role-from, which is an error then.  NULL: --role-from again. */
SMOKESCREEN_API void smokescreen_set_role(struct smokescreen *proxy,
					  smokescreen_role_function *function,
					  void *context);

/* "return smokescreen_answer_role(client, role, length);"  ROLE, of LENGTH
 * bytes, is copied: 1 to 255 bytes of UTF-8 without control characters.
 * SMOKESCREEN_ROLE; or SMOKESCREEN_REFUSE, for it is none. */
SMOKESCREEN_API enum smokescreen_answer
smokescreen_answer_role(struct smokescreen_client *client, const char *role,
			size_t length);

/* "return smokescreen_answer_refuse(client, why);"  WHY is copied, up to 255
 * bytes, for the log; the client does not see it.  SMOKESCREEN_REFUSE. */
SMOKESCREEN_API enum smokescreen_answer
smokescreen_answer_refuse(struct smokescreen_client *client, const char *why);

/* The DER of the client's own certificate; NULL: it has shown none. */
SMOKESCREEN_API const unsigned char *
smokescreen_client_certificate(const struct smokescreen_client *client,
			       size_t *length);

/* What a certificate says of its holder.  Numbers are never used again. */
enum smokescreen_field {
	SMOKESCREEN_CN = 0,        /* of the subject, in the order written */
	SMOKESCREEN_OU = 1,        /* likewise */
	SMOKESCREEN_O = 2,         /* likewise */
	SMOKESCREEN_SAN_DNS = 3,   /* subject alternative names, likewise */
	SMOKESCREEN_SAN_URI = 4,   /* likewise */
	SMOKESCREEN_SAN_EMAIL = 5, /* likewise */
	SMOKESCREEN_SAN_IP = 6,    /* likewise: "192.0.2.1", "2001:db8::1" */
	SMOKESCREEN_SERIAL = 7,    /* one, hexadecimal, small letters */
};

/* Number INDEX, from 0, of what FIELD is: NUL-terminated, its length to
 * *LENGTH, which may be NULL.  NULL: there is no such one.  Empty: that one is
 * no text, or has control characters in it, and must not make a role. */
SMOKESCREEN_API const char *
smokescreen_client_text(const struct smokescreen_client *client,
			enum smokescreen_field field, size_t index,
			size_t *length);

/* Where it connects from, by the PROXY header if there is one: the IP address,
 * as "192.0.2.1" or "2001:db8::1"; and the port. */
SMOKESCREEN_API const char *
smokescreen_client_address(const struct smokescreen_client *client);
SMOKESCREEN_API unsigned
smokescreen_client_port(const struct smokescreen_client *client);

#ifdef __cplusplus
}
#endif

#endif
