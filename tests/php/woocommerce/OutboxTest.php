<?php
/** What changed goes out in order, is taken once, and nothing of it is lost while the bridge is away. */
class OutboxTest extends PluginCase {
	public function test_nothing_is_written_while_nobody_is_connected() {
		( new Storebridge_Watcher( $this->settings, $this->outbox, $this->sender ) )->product_saved( 5 );
		$this->assertNull( $this->outbox->batch() );
	}

	public function test_the_newest_row_of_each_object_stands_for_the_others() {
		foreach ( array( '5', '6', '5', '7', '5' ) as $id ) {
			$this->outbox->add( 'product', $id, 'product.updated' );
		}
		$this->outbox->add( 'order', '5', 'order.updated' );
		$batch = $this->outbox->batch();
		$this->assertSame( array( 2, 4, 5, 6 ), array_column( $batch['body']['events'], 'id' ) );
		$this->assertSame( array( 1, 3 ), $batch['body']['merged'] );
		$this->assertSame( array( 1, 2, 3, 4, 5, 6 ), $batch['ids'] );
	}

	public function test_a_batch_has_a_hundred_objects_and_numbers_go_on_after_it() {
		$this->connect();
		for ( $id = 1; $id <= 150; $id++ ) {
			$this->outbox->add( 'product', (string) $id, 'product.updated' );
			$this->outbox->add( 'product', (string) $id, 'product.updated' );
		}
		$this->bridge_answers( fn( $act, $asked ) => 'events' === $act ? array( 'taken' => max( array_column( $asked['events'], 'id' ) ) ) : array( 'ok' => true, 'latest' => '2.0.0' ) );
		$this->assertSame( 300, $this->sender->send() );
		$this->assertSame( array( 'events', 'events', 'heartbeat' ), $this->acts() );
		$this->assertCount( 100, $this->posted( 0 )['events'] );
		$this->assertSame( $this->settings->epoch(), $this->posted( 0 )['epoch'] );
		$this->assertSame( array( 'depth' => 0, 'oldest_at' => null, 'last_id' => 300 ), $this->outbox->state() );
		$this->assertSame( '2.0.0', $this->settings->get( 'latest' ) );
		$this->outbox->add( 'order', '1', 'order.updated' );
		$this->assertSame( array( 301 ), $this->outbox->batch()['ids'] );
	}

	public function test_only_the_rows_of_the_batch_go() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_answers(
			function ( $act ) {
				if ( 'events' === $act && 1 === count( World::$posted ) ) {
					$this->outbox->add( 'product', '2', 'product.updated' );
				}
				return array( 'taken' => 99 );
			}
		);
		$this->sender->send();
		$this->assertSame( array( 'events', 'events', 'heartbeat' ), $this->acts() );
		$this->assertSame( '2', $this->posted( 1 )['events'][0]['external_id'] );
	}

	public function test_a_failure_puts_the_next_attempt_off_more_and_more() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		foreach ( array( 60, 300, 900, 3600, 3600 ) as $wait ) {
			$this->assertSame( 0, $this->sender->send() );
			$state = get_option( 'storebridge_retry' );
			$this->assertEqualsWithDelta( time() + $wait, $state['next_at'], 2 );
			$before = count( World::$posted );
			$this->sender->send();
			$this->assertCount( $before, World::$posted );
			update_option( 'storebridge_retry', array( 'next_at' => time() - 1 ) + $state );
			World::$calendar = array();
		}
		$this->assertSame( 1, $this->outbox->state()['depth'] );
		$this->bridge_answers( fn() => array( 'taken' => 1 ) );
		$this->assertSame( 1, $this->sender->send() );
		$this->assertFalse( get_option( 'storebridge_retry' ) );
	}

	public function test_the_bridge_may_say_how_long() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_refuses( 429, 'Too many calls.', array( 'retry-after' => '7' ) );
		$this->sender->send();
		$this->assertEqualsWithDelta( time() + 7, get_option( 'storebridge_retry' )['next_at'], 2 );
		$this->assertSame( 'Too many calls.', get_option( 'storebridge_retry' )['text'] );
	}

	public function test_an_answer_that_is_not_signed_takes_nothing() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_answers( fn() => array( 'taken' => 1 ), 'another secret, which is long enough too' );
		$this->assertSame( 0, $this->sender->send() );
		$this->assertSame( 1, $this->outbox->state()['depth'] );
	}

	public function test_a_401_is_signed_anew_once() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_refuses( 401, 'The clocks differ.' );
		$this->sender->send();
		$marks = array_column( array_column( World::$posted, 'headers' ), Storebridge_Signer::HEADER );
		$this->assertCount( 2, array_unique( $marks ) );
	}

	public function test_gone_is_gone() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_refuses( 410, 'There is no such connection.' );
		$this->sender->send();
		$this->assertFalse( $this->settings->connected() );
		$this->assertSame( 0, $this->outbox->state()['depth'] );
		$this->sender->beat();
		$this->assertCount( 1, World::$posted );
	}

	public function test_a_test_goes_at_once_whatever_was_put_off() {
		$this->assertNull( $this->sender->send_test( 'abc1' ) );
		$this->assertNull( $this->outbox->batch(), 'nobody is connected' );
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_refuses( 401, 'The clock is wrong.' );
		$this->sender->send();
		$this->assertSame( 'The clock is wrong.', $this->sender->send_test( 'abc1' ) );
		$this->bridge_answers( fn() => array( 'taken' => 3 ) );
		World::$posted = array();
		$this->assertSame( '', $this->sender->send_test( 'abc2' ) );
		$named = array_map( fn( $event ) => array( $event['kind'], $event['external_id'], $event['topic'] ), $this->posted( 0 )['events'] );
		$this->assertSame( array( array( 'product', '1', 'product.updated' ), array( 'test', 'abc1', 'test' ), array( 'test', 'abc2', 'test' ) ), $named );
		$this->assertSame( 0, $this->outbox->state()['depth'] );
		$this->bridge_refuses( 410, 'There is no such connection.' );
		$this->assertNull( $this->sender->send_test( 'abc3' ) );
	}

	public function test_one_process_sends_at_a_time() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$second = 0;
		$this->bridge_answers(
			function ( $act ) use ( &$second ) {
				$second += $this->sender->send();
				return array( 'taken' => 1 );
			}
		);
		$this->assertSame( 1, $this->sender->send() );
		$this->assertSame( 0, $second );
		$this->assertSame( array( 'events', 'heartbeat' ), $this->acts() );
	}

	public function test_what_is_too_much_for_one_go_is_gone_on_with() {
		$this->connect();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$health = new Storebridge_Health( $this->settings, $this->outbox );
		$this->assertSame( 0, ( new Hasty_Sender( $this->settings, $this->outbox, $this->bridge, $health ) )->send() );
		$this->assertSame( array(), World::$posted );
		$this->assertEqualsWithDelta( time() + 1, World::$calendar[ Storebridge_Sender::SEND ], 2 );
	}

	public function test_what_nobody_took_for_a_week_goes() {
		global $wpdb;
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->outbox->add( 'product', '2', 'product.updated' );
		$this->outbox->add( 'product', '3', 'product.updated' );
		$wpdb->query( 'UPDATE wp_storebridge_outbox SET happened_at = ' . ( time() - 700000 ) . ' WHERE id = 1' );
		$this->outbox->prune();
		$this->assertSame( array( 2, 3 ), $this->outbox->batch()['ids'] );
	}

	public function test_hooks_become_rows_of_products_and_orders() {
		$this->connect();
		( new Storebridge_Watcher( $this->settings, $this->outbox, $this->sender ) )->hook();
		$parent = WC_Product::make( array( 'name' => 'Shirt' ) );
		$child  = WC_Product::make( array( 'parent' => $parent->get_id(), 'stock' => 3 ) );
		do_action( 'woocommerce_update_product', $parent->get_id(), $parent );
		do_action( 'woocommerce_update_product_variation', $child->get_id(), $child );
		do_action( 'woocommerce_variation_set_stock', $child );
		do_action( 'woocommerce_product_set_stock_status', $parent->get_id(), 'instock', $parent );
		Standin_Shop::$posts[ $parent->get_id() ] = (object) array( 'post_type' => 'product', 'post_parent' => 0 );
		do_action( 'trashed_post', $parent->get_id() );
		do_action( 'deleted_post', 90, (object) array( 'post_type' => 'product_variation', 'post_parent' => $parent->get_id() ) );
		do_action( 'deleted_post', 91, (object) array( 'post_type' => 'page', 'post_parent' => 0 ) );
		$draft = ( new WC_Order() )->read( 50, array( 'status' => 'checkout-draft', 'meta' => array() ) );
		do_action( 'woocommerce_update_order', 50, $draft );
		$order = ( new WC_Order() )->read( 51, array( 'status' => 'processing', 'meta' => array() ) );
		do_action( 'woocommerce_new_order', 51, $order );
		do_action( 'woocommerce_order_refunded', 51, 60 );
		do_action( 'woocommerce_refund_deleted', 60, 51 );
		do_action( 'woocommerce_delete_order', 52 );
		do_action( 'woocommerce_fulfillment_after_fulfill', new class() {
			public function get_entity_id() {
				return '53';
			}
		} );
		global $wpdb;
		$rows  = $wpdb->get_results( 'SELECT kind, external_id, topic FROM wp_storebridge_outbox ORDER BY id' );
		$words = array_map( fn( $row ) => implode( ' ', $row ), $rows );
		$id    = $parent->get_id();
		$this->assertSame(
			array( "product $id product.updated", "product $id product.updated", "stock $id stock.updated", "stock $id stock.updated", "product $id product.deleted", "product $id product.updated", 'order 51 order.updated', 'order 51 order.refunded', 'order 51 order.refunded', 'order 52 order.deleted', 'order 53 order.fulfilled' ),
			$words
		);
	}

	public function test_where_a_visitor_would_wait_cron_is_rung() {
		$this->connect();
		World::$user = null;
		$this->sender->ring();
		$this->sender->at_shutdown();
		$this->assertSame( array(), World::$posted );
		$this->assertArrayHasKey( 'spawned', World::$calendar );
		World::$user = new WP_User();
		$this->outbox->add( 'product', '1', 'product.updated' );
		$this->bridge_answers( fn() => array( 'taken' => 1 ) );
		$this->sender->ring();
		$this->sender->at_shutdown();
		$this->assertSame( array( 'events', 'heartbeat' ), $this->acts() );
	}
}

/** One that has no time at all. */
class Hasty_Sender extends Storebridge_Sender {
	const SECONDS = 0;
}
