/** Names of ostium's processes, under which one of an installation leads each at a time. */
export const SUBMITTER = 'ostium-submitter'
export const RECEIPTS = 'ostium-receipts'
export const DELEGATIONS = 'ostium-delegations'
export const EXPIRY = 'ostium-expiry'
