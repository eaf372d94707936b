/** Times of what tests tell of: minutes of one morning. */
export const at = (minute: number): string => `2026-03-02T09:${String(minute).padStart(2, '0')}:00.000Z`
