/** The refusal of settings: every part that checks some of them throws the same. */

/** A configuration that cannot be used; the message says which variables, and why. */
export class InvalidConfiguration extends Error {
  override name = 'InvalidConfiguration'
}
