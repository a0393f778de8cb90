/* document_build.h - from events to the tree: private to document*.c. */
#ifndef GRAMMAR_DOCUMENT_BUILD_H
#define GRAMMAR_DOCUMENT_BUILD_H

#include "document.h"
#include "names.h"
#include "yaml_parse.h"

/* What an anchor marks. */
struct build_anchor {
	struct node *node;
	uint32_t nodes; /* in it, aliases expanded */
	uint32_t height;
	bool open; /* its node is not complete: an alias would have no end */
	struct span at;
};

/* A collection that is not complete. */
struct build_frame {
	struct node *node;
	struct build_anchor *anchor; /* of NODE; or NULL */
	size_t base;                 /* of its children in the stack */
	uint32_t before;             /* nodes counted before it */
	uint32_t height;             /* of its highest child */
	struct node *merge;          /* the first "<<" key; or NULL */
};

struct build {
	struct document *document;
	struct arena *arena;
	struct diag_list *list;
	struct names anchors;
	uint32_t nodes; /* so far, aliases expanded */
	uint32_t end;   /* of the last thing written */

	struct build_frame frames[DOCUMENT_MAX_DEPTH];
	unsigned depth;
	struct node **stack; /* owned: children of all frames */
	size_t count;
	size_t capacity;

	struct node *slab; /* nodes not yet handed out */
	unsigned slab_left;
};

/* The receiver of yaml_parse(); STATE is a struct build. */
bool build_take(void *state, const struct yaml_event *event);

/* Fill MAPPING from its COUNT keys and values at CHILDREN, "<<" resolved. */
void build_merge(struct build *build, struct node *mapping,
		 struct node *const *children, size_t count);

/* KEY merges: a plain, unaliased <<. */
bool build_is_merge(const struct node *key);

#endif
