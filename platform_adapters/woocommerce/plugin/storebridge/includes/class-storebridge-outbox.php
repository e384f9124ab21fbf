<?php
/**
 * What waits to be told.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * Rows written beside the change they tell of, numbered without end.
 *
 * The newest row is kept when all are sent: an empty InnoDB table of before MySQL 8 counts from 1 again after a restart.
 */
class Storebridge_Outbox {

	const ROWS   = 500;
	const EVENTS = 100;
	const KEEP   = 604800;
	const MOST   = 200000;

	/**
	 * Remembers that something changed.
	 *
	 * @param string $kind        product, order, stock or test.
	 * @param string $external_id The product (the parent of a variation), the order, or the test's marker.
	 * @param string $topic       In words.
	 */
	public function add( $kind, $external_id, $topic ) {
		global $wpdb;
		$row = array(
			'kind'        => $kind,
			'external_id' => $external_id,
			'topic'       => $topic,
			'happened_at' => time(),
		);
		$wpdb->insert( Storebridge_Tables::name( 'storebridge_outbox' ), $row ); // phpcs:ignore WordPress.DB.DirectDatabaseQuery
	}

	/**
	 * The oldest rows as one batch: of several rows of one object the newest, the others are named as merged.
	 *
	 * @return array{body: array, ids: int[]}|null Null when nothing waits.
	 */
	public function batch() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		$rows  = $wpdb->get_results( "SELECT * FROM $table WHERE sent = 0 ORDER BY id LIMIT " . self::ROWS, ARRAY_A ); // phpcs:ignore WordPress.DB
		$rows  = $this->within( $rows );
		if ( array() === $rows ) {
			return null;
		}
		$newest = array();
		foreach ( $rows as $row ) {
			$newest[ $row['kind'] . ':' . $row['external_id'] ] = $row;
		}
		$events = array_map( array( $this, 'event' ), array_values( $newest ) );
		usort(
			$events,
			function ( $one, $other ) {
				return $one['id'] <=> $other['id'];
			}
		);
		$ids  = array_map( 'intval', array_column( $rows, 'id' ) );
		$body = array(
			'events' => $events,
			'merged' => array_values( array_diff( $ids, array_column( $events, 'id' ) ) ),
		);
		return array(
			'body' => $body,
			'ids'  => $ids,
		);
	}

	/**
	 * As many rows as make no more than EVENTS objects.
	 *
	 * @param array $rows Rows in order.
	 * @return array
	 */
	private function within( array $rows ) {
		$seen = array();
		foreach ( $rows as $place => $row ) {
			$seen[ $row['kind'] . ':' . $row['external_id'] ] = true;
			if ( count( $seen ) > self::EVENTS ) {
				return array_slice( $rows, 0, $place );
			}
		}
		return $rows;
	}

	/**
	 * A row as the bridge reads it.
	 *
	 * @param array $row A row.
	 * @return array
	 */
	private function event( array $row ) {
		return array(
			'id'          => (int) $row['id'],
			'kind'        => $row['kind'],
			'external_id' => $row['external_id'],
			'topic'       => $row['topic'],
			'at'          => gmdate( 'Y-m-d\TH:i:s\Z', (int) $row['happened_at'] ),
		);
	}

	/**
	 * These rows were taken. They are named one by one: a row with a lower number may be committed later.
	 *
	 * @param int[] $ids Numbers of rows.
	 */
	public function sent( array $ids ) {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		$list  = implode( ',', array_map( 'intval', $ids ) );
		$wpdb->query( "UPDATE $table SET sent = 1 WHERE id IN ($list)" ); // phpcs:ignore WordPress.DB
		$last = $this->last_id();
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE sent = 1 AND id < %d", $last ) ); // phpcs:ignore WordPress.DB
	}

	/**
	 * Forgets what nobody has taken for seven days, or far too much of it. The bridge sees the gap and reads all.
	 */
	public function prune() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		$last  = $this->last_id();
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE id < %d AND ( happened_at < %d OR id < %d )", $last, time() - self::KEEP, $last - self::MOST ) ); // phpcs:ignore WordPress.DB
	}

	/**
	 * Forgets all that waits; the numbers go on.
	 */
	public function clear() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		$wpdb->query( "UPDATE $table SET sent = 1" ); // phpcs:ignore WordPress.DB
		$wpdb->query( $wpdb->prepare( "DELETE FROM $table WHERE id < %d", $this->last_id() ) ); // phpcs:ignore WordPress.DB
	}

	/**
	 * How much waits, since when, and the newest number.
	 *
	 * @return array
	 */
	public function state() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		$found = $wpdb->get_row( "SELECT COUNT(*) AS depth, MIN(happened_at) AS oldest FROM $table WHERE sent = 0", ARRAY_A ); // phpcs:ignore WordPress.DB
		return array(
			'depth'     => (int) $found['depth'],
			'oldest_at' => null === $found['oldest'] ? null : gmdate( 'Y-m-d\TH:i:s\Z', (int) $found['oldest'] ),
			'last_id'   => $this->last_id(),
		);
	}

	/**
	 * The newest number; 0 before the first.
	 *
	 * @return int
	 */
	private function last_id() {
		global $wpdb;
		$table = Storebridge_Tables::name( 'storebridge_outbox' );
		return (int) $wpdb->get_var( "SELECT MAX(id) FROM $table" ); // phpcs:ignore WordPress.DB
	}
}
