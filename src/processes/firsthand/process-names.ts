/**
 * Names of firsthand's processes: of their checkpoints and of their leaderships. They stand apart, since an API that runs no
 * process knows the names and loads nothing else of it.
 */
export const SETTLEMENT = 'firsthand-settlement'
export const JANITOR = 'firsthand-janitor'
export const PAYMENTS = 'firsthand-payments'
export const WEBHOOKS = 'firsthand-webhooks'
export const SCORING = 'firsthand-scoring'
export const SANDBOX_WORKERS = 'firsthand-sandbox-workers'
