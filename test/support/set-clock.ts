/**
 * The clock of an installation, set ahead by a test: that is Postgres's (src/postgres/clock.ts), of which a database can have one of its
 * own. What is asked for by name alone comes from there before it comes from Postgres.
 */
import { Client } from 'pg'

async function onDatabase(url: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statements)
  } finally {
    await client.end()
  }
}

/** Gives the database a clock, for all connections that are made from now on. */
export const giveClock = (url: string): Promise<void> =>
  onDatabase(
    url,
    `CREATE SCHEMA own_clock;
     CREATE TABLE own_clock.ahead (ms bigint NOT NULL);
     INSERT INTO own_clock.ahead VALUES (0);
     CREATE FUNCTION own_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
       'SELECT pg_catalog.clock_timestamp() + ms * interval ''1 ms'' FROM own_clock.ahead';
     ALTER DATABASE ${new URL(url).pathname.slice(1)} SET search_path = public, own_clock, pg_catalog`,
  )

/** How far it is ahead, from now on, of the clock of everybody else. */
export const setClock = (url: string, aheadMs: number): Promise<void> =>
  onDatabase(url, `UPDATE own_clock.ahead SET ms = ${aheadMs}`)
