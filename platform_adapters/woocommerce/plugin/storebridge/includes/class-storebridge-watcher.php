<?php
/**
 * Notices what changes in the store.
 *
 * @package Storebridge
 */

defined( 'ABSPATH' ) || exit;

/**
 * From WooCommerce's own hooks into the outbox: which product or order, nothing more.
 */
class Storebridge_Watcher {

	const DRAFTS = array( 'checkout-draft', 'auto-draft' );

	/**
	 * The connection.
	 *
	 * @var Storebridge_Settings
	 */
	private $settings;

	/**
	 * What waits.
	 *
	 * @var Storebridge_Outbox
	 */
	private $outbox;

	/**
	 * Tells it.
	 *
	 * @var Storebridge_Sender
	 */
	private $sender;

	/**
	 * Made by Storebridge_Plugin.
	 *
	 * @param Storebridge_Settings $settings The connection.
	 * @param Storebridge_Outbox   $outbox   What waits.
	 * @param Storebridge_Sender   $sender   Tells it.
	 */
	public function __construct( Storebridge_Settings $settings, Storebridge_Outbox $outbox, Storebridge_Sender $sender ) {
		$this->settings = $settings;
		$this->outbox   = $outbox;
		$this->sender   = $sender;
	}

	/**
	 * Hooks up. Products are posts, so the bin is WordPress's; orders have tables of their own.
	 */
	public function hook() {
		foreach ( array( 'new_product', 'update_product', 'new_product_variation', 'update_product_variation' ) as $name ) {
			add_action( "woocommerce_$name", array( $this, 'product_saved' ), 100, 2 );
		}
		foreach ( array( 'product_set_stock', 'variation_set_stock', 'product_set_stock_status', 'variation_set_stock_status' ) as $name ) {
			add_action( "woocommerce_$name", array( $this, 'stock_set' ), 100, 3 );
		}
		add_action( 'trashed_post', array( $this, 'post_trashed' ), 100 );
		add_action( 'untrashed_post', array( $this, 'post_restored' ), 100 );
		add_action( 'deleted_post', array( $this, 'post_deleted' ), 100, 2 );

		foreach ( array( 'new_order', 'update_order' ) as $name ) {
			add_action( "woocommerce_$name", array( $this, 'order_saved' ), 100, 2 );
		}
		add_action( 'woocommerce_trash_order', array( $this, 'order_trashed' ), 100 );
		add_action( 'woocommerce_untrash_order', array( $this, 'order_restored' ), 100 );
		add_action( 'woocommerce_delete_order', array( $this, 'order_deleted' ), 100 );
		add_action( 'woocommerce_order_refunded', array( $this, 'order_refunded' ), 100 );
		add_action( 'woocommerce_refund_deleted', array( $this, 'refund_deleted' ), 100, 2 );
		foreach ( array( 'create', 'fulfill', 'update', 'delete' ) as $name ) {
			add_action( "woocommerce_fulfillment_after_$name", array( $this, 'parcel_changed' ), 100 );
		}
	}

	/**
	 * A product or a variation was written.
	 *
	 * @param int             $id      Its number.
	 * @param WC_Product|null $product Itself, where the hook gives it.
	 */
	public function product_saved( $id, $product = null ) {
		$product = $product instanceof WC_Product ? $product : wc_get_product( $id );
		$this->note( 'product', $product instanceof WC_Product && $product->get_parent_id() ? $product->get_parent_id() : $id, 'product.updated' );
	}

	/**
	 * Stock was set, whoever did it.
	 *
	 * @param WC_Product|int  $product The product, or its number.
	 * @param string          $status  Of status hooks.
	 * @param WC_Product|null $whole   Of status hooks: the product.
	 */
	public function stock_set( $product, $status = '', $whole = null ) {
		$product = $whole instanceof WC_Product ? $whole : $product;
		$product = $product instanceof WC_Product ? $product : wc_get_product( $product );
		if ( $product instanceof WC_Product && $product->get_id() ) {
			$this->note( 'stock', $product->get_parent_id() ? $product->get_parent_id() : $product->get_id(), 'stock.updated' );
		}
	}

	/**
	 * Something went to the bin.
	 *
	 * @param int $id A post.
	 */
	public function post_trashed( $id ) {
		$this->post( $id, get_post( $id ), 'deleted' );
	}

	/**
	 * Something came out of the bin.
	 *
	 * @param int $id A post.
	 */
	public function post_restored( $id ) {
		$this->post( $id, get_post( $id ), 'restored' );
	}

	/**
	 * Something was deleted for good.
	 *
	 * @param int          $id   A post.
	 * @param WP_Post|null $post What it was.
	 */
	public function post_deleted( $id, $post = null ) {
		$this->post( $id, $post, 'deleted' );
	}

	/**
	 * A post that is a product, a variation, or an order of a store that keeps its orders as posts.
	 *
	 * @param int          $id    Its number.
	 * @param WP_Post|null $post  Itself.
	 * @param string       $event What happened.
	 */
	private function post( $id, $post, $event ) {
		$type = is_object( $post ) ? $post->post_type : '';
		if ( 'product' === $type ) {
			$this->note( 'product', $id, "product.$event" );
		} elseif ( 'product_variation' === $type && $post->post_parent ) {
			$this->note( 'product', $post->post_parent, 'product.updated' );
		} elseif ( 'shop_order' === $type ) {
			$this->note( 'order', $id, "order.$event" );
		}
	}

	/**
	 * An order was written. What a shopper does at the checkout page is none yet.
	 *
	 * @param int           $id    Its number.
	 * @param WC_Order|null $order Itself, where the hook gives it.
	 */
	public function order_saved( $id, $order = null ) {
		$order = is_object( $order ) ? $order : wc_get_order( $id );
		if ( $order instanceof WC_Order && ! $order->has_status( self::DRAFTS ) ) {
			$this->note( 'order', $id, 'order.updated' );
		}
	}

	/**
	 * An order went to the bin.
	 *
	 * @param int $id Its number.
	 */
	public function order_trashed( $id ) {
		$this->note( 'order', $id, 'order.deleted' );
	}

	/**
	 * An order came out of the bin.
	 *
	 * @param int $id Its number.
	 */
	public function order_restored( $id ) {
		$this->note( 'order', $id, 'order.restored' );
	}

	/**
	 * An order was deleted for good.
	 *
	 * @param int $id Its number.
	 */
	public function order_deleted( $id ) {
		$this->note( 'order', $id, 'order.deleted' );
	}

	/**
	 * Something was refunded.
	 *
	 * @param int $id The order's number.
	 */
	public function order_refunded( $id ) {
		$this->note( 'order', $id, 'order.refunded' );
	}

	/**
	 * A refund was taken back.
	 *
	 * @param int $refund The refund's number.
	 * @param int $id     The order's number.
	 */
	public function refund_deleted( $refund, $id ) {
		$this->note( 'order', $id, 'order.refunded' );
	}

	/**
	 * WooCommerce's own fulfilments.
	 *
	 * @param object $fulfillment A fulfilment.
	 */
	public function parcel_changed( $fulfillment ) {
		if ( is_object( $fulfillment ) && method_exists( $fulfillment, 'get_entity_id' ) ) {
			$this->note( 'order', $fulfillment->get_entity_id(), 'order.fulfilled' );
		}
	}

	/**
	 * Into the outbox.
	 *
	 * @param string     $kind  product, order or stock.
	 * @param int|string $id    Its number.
	 * @param string     $topic In words.
	 */
	private function note( $kind, $id, $topic ) {
		if ( $this->settings->connected() && (int) $id > 0 ) {
			$this->outbox->add( $kind, (string) (int) $id, $topic );
			$this->sender->ring();
		}
	}
}
