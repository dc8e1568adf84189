/**
 * Fields of specifications that leave contexts out.
 *
 * @module
 */

/** No feedback. */
export const ONLY_LATERAL = { disable_feedback: true, last_layer_context_to_all: false } as const;

/** A unit's own context alone. */
export const ITSELF = { ...ONLY_LATERAL, lateral_radius: 0 } as const;

/** No contexts. */
export const NONE = { ...ONLY_LATERAL, disable_lateral: true } as const;
