/** What Postgres and the APIs take for an id: text, in whichever case and of whichever version (RFC 9562, 4). */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

export const isUuid = (text: string): boolean => UUID.test(text)
