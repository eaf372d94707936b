/** The version of killatamata's contract. */
export const VERSION = '0.7.0'
