/* document_build.c - from events to the tree.
 * Children wait on one stack until their collection is complete and are then
 * copied into an array of the exact size.  An alias becomes a node of its own
 * that shares the children of the node it repeats, so memory stays linear in
 * the text; what a reader of the tree would walk is counted and bounded. */
#include "document_build.h"

#include "yaml_scalar.h"

#include <stdlib.h>
#include <string.h>

#define SLAB 256u
#define FIRST_STACK 256u
/* Bytes of a name that a message shows. */
#define NAME_SHOWN 60u

static struct node *new_node(struct build *build)
{
	if (build->slab_left == 0) {
		build->slab = arena_alloc_array(build->arena, SLAB,
						sizeof(struct node));
		build->slab_left = SLAB;
	}
	return &build->slab[SLAB - build->slab_left--];
}

static struct span span_at(const struct build *build, uint32_t start,
			   uint32_t end)
{
	return (struct span){
		.source = build->document->source, .start = start, .end = end};
}

static void push(struct build *build, struct node *node)
{
	if (build->count == build->capacity) {
		size_t capacity =
			build->capacity > 0 ? 2 * build->capacity : FIRST_STACK;
		void *stack = reallocarray(build->stack, capacity,
					   sizeof(struct node *));

		if (stack == NULL)
			arena_out_of_memory();
		build->stack = stack;
		build->capacity = capacity;
	}
	build->stack[build->count++] = node;
}

/* Count MORE nodes; false when that is too many. */
static bool count_nodes(struct build *build, uint32_t more,
			const struct yaml_token *token)
{
	if (more <= DOCUMENT_MAX_EXPANDED - build->nodes) {
		build->nodes += more;
		return true;
	}

	struct diag *diag =
		diag_report(build->list, DIAG_Y032,
			    span_at(build, token->start, token->end),
			    "the file has more than %u nodes, aliases expanded",
			    DOCUMENT_MAX_EXPANDED);

	diag_hint(build->list, diag, "the limit is passed here");
	return false;
}

static bool check_depth(struct build *build, uint32_t height,
			const struct yaml_token *token)
{
	if (height <= DOCUMENT_MAX_DEPTH - build->depth)
		return true;

	struct diag *diag = diag_report(
		build->list, DIAG_Y031,
		span_at(build, token->start, token->end),
		"collections are nested more than %d deep, aliases expanded",
		DOCUMENT_MAX_DEPTH);

	diag_hint(build->list, diag, "a policy needs five");
	return false;
}

/* Remember that the anchor of EVENT, if it has one, marks NODE.  The last
 * anchor of a name wins. */
static struct build_anchor *set_anchor(struct build *build,
				       const struct yaml_event *event,
				       struct node *node)
{
	if (event->anchor_start == event->anchor_end)
		return NULL;

	struct build_anchor *anchor =
		arena_alloc(build->arena, sizeof(*anchor));
	const unsigned char *name =
		build->document->source->bytes + event->anchor_start + 1;

	*anchor = (struct build_anchor){
		.node = node,
		.nodes = 1,
		.at = span_at(build, event->anchor_start, event->anchor_end),
	};
	*names_slot(&build->anchors, build->arena, (const char *)name,
		    event->anchor_end - event->anchor_start - 1) = anchor;
	return anchor;
}

/* NODE, complete or just opened, is the next child of what is open. */
static void add(struct build *build, struct node *node)
{
	if (build->depth > 0) {
		struct build_frame *frame = &build->frames[build->depth - 1];
		bool is_key = frame->node->kind == NODE_MAPPING &&
			      (build->count - frame->base) % 2 == 0;

		if (is_key && build_is_merge(node)) {
			if (frame->merge == NULL) {
				frame->merge = node;
			} else {
				struct diag *diag = diag_report(
					build->list, DIAG_Y030,
					node_span(build->document, node),
					"a mapping can have one '<<'");

				diag_hint(build->list, diag,
					  "write '<<: [*first, *second]'");
				diag_relate(build->list, diag,
					    node_span(build->document,
						      frame->merge),
					    "the first is here");
			}
		}
	} else {
		build->document->root = node;
	}
	push(build, node);
}

static bool take_leaf(struct build *build, const struct yaml_event *event)
{
	const struct yaml_token *token = &event->token;
	struct node *node = new_node(build);

	node->start = token->start;
	node->end = token->end;
	if (event->type == EVENT_SCALAR) {
		struct yaml_text text = yaml_scalar_text(
			build->document->source->bytes, token, build->arena);

		node->kind = NODE_SCALAR;
		node->style = token->style;
		node->text = text.bytes;
		node->count = text.length;
	}
	build->end = token->end;
	set_anchor(build, event, node);
	add(build, node);
	return count_nodes(build, 1, token);
}

/* A key must be text, an alias of text will do. */
static void check_alias_key(struct build *build, const struct node *node)
{
	if (build->depth == 0 ||
	    build->frames[build->depth - 1].node->kind != NODE_MAPPING ||
	    (build->count - build->frames[build->depth - 1].base) % 2 != 0 ||
	    node->kind == NODE_SCALAR || node->kind == NODE_NULL)
		return;

	struct diag *diag = diag_report(
		build->list, DIAG_Y039, node_span(build->document, node),
		"a %s cannot be a key in this policy language",
		node->kind == NODE_MAPPING ? "mapping" : "sequence");

	diag_hint(build->list, diag, "keys are text");
}

/* NAME for a message: a hostile one may have a hundred megabytes. */
static const char *shown_name(struct build *build, const char *name,
			      uint32_t length)
{
	if (length <= NAME_SHOWN)
		return arena_strndup(build->list->arena, name, length);
	while (length > NAME_SHOWN ||
	       ((unsigned char)name[length] & 0xc0) == 0x80)
		length = length > NAME_SHOWN ? NAME_SHOWN : length - 1;
	return arena_printf(build->list->arena, "%.*s...", (int)length, name);
}

static void undefined_alias(struct build *build, const struct yaml_token *token)
{
	const char *name =
		(const char *)build->document->source->bytes + token->start + 1;
	uint32_t length = token->end - token->start - 1;
	struct diag *diag =
		diag_report(build->list, DIAG_Y027,
			    span_at(build, token->start, token->end),
			    "no anchor '&%s' comes before this alias",
			    shown_name(build, name, length));

	if (name[length - 1] == ':')
		diag_hint(build->list, diag,
			  "put a space before ':' if it is a key");
	else if (memchr(name, '.', length) != NULL)
		diag_hint(build->list, diag,
			  "put it between quotes if it is a host");
	else
		diag_hint(build->list, diag, "mark a node '&%s' before",
			  shown_name(build, name, length));
}

static bool take_alias(struct build *build, const struct yaml_event *event)
{
	const struct yaml_token *token = &event->token;
	const char *name =
		(const char *)build->document->source->bytes + token->start + 1;
	uint32_t length = token->end - token->start - 1;
	struct build_anchor *anchor = names_find(&build->anchors, name, length);
	struct node *node = new_node(build);

	if (anchor == NULL) {
		undefined_alias(build, token);
	} else if (anchor->open) {
		struct diag *diag =
			diag_report(build->list, DIAG_Y028,
				    span_at(build, token->start, token->end),
				    "the alias is part of what it repeats");

		diag_hint(build->list, diag, "it would have no end");
		diag_relate(build->list, diag, anchor->at,
			    "the anchor is here");
	} else {
		if (!check_depth(build, anchor->height, token))
			return false;
		*node = *anchor->node;
		if (build->depth > 0 &&
		    build->frames[build->depth - 1].height < anchor->height)
			build->frames[build->depth - 1].height = anchor->height;
	}
	node->aliased = true;
	node->start = token->start;
	node->end = token->end;
	build->end = token->end;
	check_alias_key(build, node);
	add(build, node);
	return count_nodes(build, anchor != NULL ? anchor->nodes : 1, token);
}

static bool take_start(struct build *build, const struct yaml_event *event)
{
	struct node *node = new_node(build);

	if (!check_depth(build, 1, &event->token))
		return false;
	node->kind = event->type == EVENT_MAPPING_START ? NODE_MAPPING
							: NODE_SEQUENCE;
	node->flow = event->flow;
	node->start = event->token.start;
	build->end = event->token.end;
	add(build, node);

	struct build_frame *frame = &build->frames[build->depth++];

	*frame = (struct build_frame){
		.node = node,
		.anchor = set_anchor(build, event, node),
		.base = build->count,
		.before = build->nodes,
	};
	if (frame->anchor != NULL)
		frame->anchor->open = true;
	return count_nodes(build, 1, &event->token);
}

static void finish_sequence(struct build *build, struct node *node,
			    struct node *const *children, size_t count)
{
	if (count == 0)
		return;
	node->items =
		arena_alloc_array(build->arena, count, sizeof(struct node *));
	memcpy(node->items, children, count * sizeof(struct node *));
	node->count = (uint32_t)count;
}

static void finish_mapping(struct build *build, struct node *node,
			   struct node *const *children, size_t count)
{
	if (count == 0)
		return;
	node->pairs = arena_alloc_array(build->arena, count / 2,
					sizeof(*node->pairs));
	node->count = (uint32_t)(count / 2);
	for (size_t i = 0; i < count / 2; i++) {
		node->pairs[i].key = children[2 * i];
		node->pairs[i].value = children[2 * i + 1];
	}
}

static bool take_end(struct build *build, const struct yaml_event *event)
{
	struct build_frame *frame = &build->frames[--build->depth];
	struct node *const *children = build->stack + frame->base;
	size_t count = build->count - frame->base;

	/* Brackets close where they close; a block with its last child. */
	if (event->token.end > event->token.start)
		build->end = event->token.end;
	frame->node->end = build->end;
	if (frame->node->kind == NODE_SEQUENCE)
		finish_sequence(build, frame->node, children, count);
	else if (frame->merge != NULL)
		build_merge(build, frame->node, children, count);
	else
		finish_mapping(build, frame->node, children, count);
	build->count = frame->base;
	if (frame->anchor != NULL) {
		frame->anchor->open = false;
		frame->anchor->nodes = build->nodes - frame->before;
		frame->anchor->height = frame->height + 1;
	}
	if (build->depth > 0 &&
	    build->frames[build->depth - 1].height < frame->height + 1)
		build->frames[build->depth - 1].height = frame->height + 1;
	return true;
}

bool build_take(void *state, const struct yaml_event *event)
{
	struct build *build = state;

	switch (event->type) {
	case EVENT_DOCUMENT_START:
	case EVENT_DOCUMENT_END:
		return true;
	case EVENT_NULL:
	case EVENT_SCALAR:
		return take_leaf(build, event);
	case EVENT_ALIAS:
		return take_alias(build, event);
	case EVENT_SEQUENCE_START:
	case EVENT_MAPPING_START:
		return take_start(build, event);
	case EVENT_SEQUENCE_END:
	case EVENT_MAPPING_END:
		return take_end(build, event);
	}
	return true;
}
