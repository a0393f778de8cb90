/* events.c - the listing of parse events: see events.h. */
#include "events.h"

#include "yaml_parse.h"
#include "yaml_scalar.h"

struct listing {
	FILE *out;
	const unsigned char *bytes;
	struct arena *arena;
};

static void put_name(const struct listing *listing, const char *sigil,
		     uint32_t start, uint32_t end)
{
	if (start == end)
		return;
	fputs(sigil, listing->out);
	fwrite(listing->bytes + start + 1, 1, end - start - 1, listing->out);
}

static void put_scalar(const struct listing *listing,
		       const struct yaml_token *token)
{
	static const char styles[] = {
		[SCALAR_PLAIN] = ':',
		[SCALAR_SINGLE] = '\'',
		[SCALAR_DOUBLE] = '"',
	};
	struct yaml_text text =
		yaml_scalar_text(listing->bytes, token, listing->arena);

	fprintf(listing->out, " %c", styles[token->style]);
	for (uint32_t i = 0; i < text.length; i++) {
		switch (text.bytes[i]) {
		case '\\':
			fputs("\\\\", listing->out);
			break;
		case '\0':
			fputs("\\0", listing->out);
			break;
		case '\b':
			fputs("\\b", listing->out);
			break;
		case '\t':
			fputs("\\t", listing->out);
			break;
		case '\n':
			fputs("\\n", listing->out);
			break;
		case '\r':
			fputs("\\r", listing->out);
			break;
		default:
			putc(text.bytes[i], listing->out);
		}
	}
}

static bool list_event(void *state, const struct yaml_event *event)
{
	const struct listing *listing = state;
	FILE *out = listing->out;

	switch (event->type) {
	case EVENT_DOCUMENT_START:
		fputs(event->explicit ? "+DOC ---" : "+DOC", out);
		break;
	case EVENT_DOCUMENT_END:
		fputs(event->explicit ? "-DOC ..." : "-DOC", out);
		break;
	case EVENT_NULL:
		fputs("=VAL", out);
		put_name(listing, " &", event->anchor_start, event->anchor_end);
		fputs(" :", out);
		break;
	case EVENT_SCALAR:
		fputs("=VAL", out);
		put_name(listing, " &", event->anchor_start, event->anchor_end);
		put_scalar(listing, &event->token);
		break;
	case EVENT_ALIAS:
		fputs("=ALI", out);
		put_name(listing, " *", event->token.start, event->token.end);
		break;
	case EVENT_SEQUENCE_START:
		fputs(event->flow ? "+SEQ []" : "+SEQ", out);
		put_name(listing, " &", event->anchor_start, event->anchor_end);
		break;
	case EVENT_SEQUENCE_END:
		fputs("-SEQ", out);
		break;
	case EVENT_MAPPING_START:
		fputs(event->flow ? "+MAP {}" : "+MAP", out);
		put_name(listing, " &", event->anchor_start, event->anchor_end);
		break;
	case EVENT_MAPPING_END:
		fputs("-MAP", out);
		break;
	}
	putc('\n', out);
	return true;
}

bool document_events(struct source *source, struct diag_list *list, FILE *out)
{
	struct listing listing = {
		.out = out, .bytes = source->bytes, .arena = list->arena};
	struct yaml_receiver receiver = {.take = list_event, .state = &listing};

	fputs("+STR\n", out);
	if (!yaml_parse(source, list, &receiver))
		return false;
	fputs("-STR\n", out);
	return true;
}
