/** What killatamata's stand-ins keep, in one SQLite file of the instance: values by kind and id, in the order in which they came. */
import { DatabaseSync } from 'node:sqlite'

export interface Kept<T> {
  id: string
  value: T
  bytes: Uint8Array | undefined
}

export type StandInStore = ReturnType<typeof openStandInStore>

export function openStandInStore(file: string) {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  database.exec(
    'CREATE TABLE IF NOT EXISTS kept (sequence INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, ' +
      'json TEXT NOT NULL, bytes BLOB, UNIQUE (kind, id)) STRICT',
  )
  const put = database.prepare(
    'INSERT INTO kept (kind, id, json, bytes) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json, bytes = excluded.bytes',
  )
  const get = database.prepare('SELECT id, json, bytes FROM kept WHERE kind = ? AND id = ?')
  const list = database.prepare('SELECT id, json, bytes FROM kept WHERE kind = ? ORDER BY sequence DESC LIMIT ?')
  const trim = database.prepare(
    'DELETE FROM kept WHERE kind = ? AND sequence NOT IN (SELECT sequence FROM kept WHERE kind = ? ORDER BY sequence DESC LIMIT ?)',
  )
  const read = <T>(row: unknown): Kept<T> => {
    const { id, json, bytes } = row as { id: string; json: string; bytes: Uint8Array | null }
    return { id, value: JSON.parse(json) as T, bytes: bytes ?? undefined }
  }
  return {
    put: (kind: string, id: string, value: unknown, bytes?: Uint8Array): void =>
      void put.run(kind, id, JSON.stringify(value), bytes ?? null),
    get<T>(kind: string, id: string): Kept<T> | undefined {
      const row = get.get(kind, id)
      return row && read<T>(row)
    },
    /** Newest first. */
    list: <T>(kind: string, limit: number): Kept<T>[] => list.all(kind, limit).map((row) => read<T>(row)),
    /** Keeps the newest of a kind. */
    trim: (kind: string, keptMax: number): void => void trim.run(kind, kind, keptMax),
    close: () => database.close(),
  }
}
